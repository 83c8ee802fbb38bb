import type { Prompt } from "astropass";
import { announce } from "./announce";
import { clockText, countdown } from "./countdown";
import { button, el } from "./dom";
import { icon } from "./icon";
import { qrCode } from "./qr";

/** The code, the ways to approve it, and the time that is left. */
export interface PromptPanel {
  readonly element: HTMLElement;
  readonly heading: HTMLElement;
  setOnline(online: boolean): void;
  stop(): void;
}

const OFFLINE = "You are offline. Sign-in goes on when you are back.";

export function promptPanel(prompt: Prompt, cancel: () => void): PromptPanel {
  const heading = el("h1", { tabindex: "-1" }, "Approve this sign-in");
  const target = prompt.verificationUriComplete ?? prompt.verificationUri;
  const page = new URL(prompt.verificationUri);

  const timeLeft = el("span", { class: "digits", role: "timer", "aria-label": "Time left" });
  const bar = el("progress", { class: "drain", "aria-hidden": "true" });
  bar.max = Math.max(1, (prompt.expiresAt.getTime() - Date.now()) / 1000);
  const stop = countdown(prompt.expiresAt, (seconds) => {
    timeLeft.textContent = clockText(seconds);
    bar.value = seconds;
    // The clock itself is silent: a screen reader hears about it once, while there is still time.
    if (seconds === 60) announce("One minute left to approve the code.");
  });

  const waiting = el("p", { class: "waiting" });
  const setOnline = (online: boolean) => {
    waiting.classList.toggle("is-offline", !online);
    waiting.replaceChildren(
      online ? el("span", { class: "pulse", "aria-hidden": "true" }) : icon("offline"),
      online
        ? "Waiting for your approval"
        : OFFLINE,
    );
    if (!online) announce(OFFLINE);
  };

  const element = el(
    "div",
    { class: "card prompt" },
    el(
      "div",
      { class: "prompt-main" },
      heading,
      el(
        "p",
        { class: "lead" },
        "Open the sign-in page, here or on another device. ",
        prompt.verificationUriComplete
          ? "Approve only if it shows this code."
          : "Type this code there, and approve.",
      ),
      userCode(prompt.userCode),
      el(
        "a",
        { class: "button primary wide", href: target, target: "_blank", rel: "noreferrer" },
        "Open sign-in page",
        icon("external"),
        el("span", { class: "visually-hidden" }, " (in a new tab)"),
      ),
    ),
    el(
      "figure",
      { class: "prompt-qr" },
      qrCode(target, "QR code of the sign-in page"),
      el(
        "figcaption",
        {},
        "Scan it with your phone, or type the code at ",
        el("span", { class: "address" }, `${page.host}${page.pathname}`),
      ),
    ),
    el(
      "div",
      { class: "prompt-foot" },
      waiting,
      el("p", { class: "expiry" }, "Code expires in ", timeLeft),
      button("button quiet", cancel, "Cancel"),
    ),
    bar,
  );
  setOnline(navigator.onLine);
  return { element, heading, setOnline, stop };
}

function userCode(code: string): HTMLElement {
  const shown = el("code", { class: "user-code" }, code);
  const label = el("span", {}, "Copy code");
  const copy = button(
    "button small",
    async () => {
      try {
        await navigator.clipboard.writeText(code);
        copy.replaceChildren(icon("check"), label);
        label.textContent = "Copied";
        announce("Code copied.");
      } catch {
        // The clipboard may be forbidden; a selected code is one key press away from it.
        getSelection()?.selectAllChildren(shown);
        announce("The code is selected. Copy it with the keyboard.");
      }
    },
    icon("copy"),
    label,
  );
  return el("div", { class: "code-box", role: "group", "aria-label": "Your code" }, shown, copy);
}
