import type { Astropass, AuthState, Prompt } from "astropass";
import { adviceFor, isConnection } from "./advice";
import { announce } from "./announce";
import { SLOW_MS, card, spinner } from "./card";
import { button, el } from "./dom";
import { icon, type IconName } from "./icon";
import { promptPanel, type PromptPanel } from "./prompt";
import type { View } from "./view";
import { byCode, byRedirect, byWindow, type Way } from "./ways";

/** The card before a login. */
interface Invitation {
  picture: IconName;
  title: string;
  text: string;
  action: string;
  press: () => void;
  /** Whether there are other ways to offer. */
  others: boolean;
}

/** From the first button to the approval, with every way it can end instead. */
export function signInView(auth: Astropass, before: AuthState, failed?: unknown): View {
  const element = el("div", { class: "sign-in" });
  let heading: HTMLElement = el("h1");
  let attempt: AbortController | undefined;
  let prompt: PromptPanel | undefined;
  let failure: unknown;
  /** The state that the first card speaks of, while it is shown. */
  let idle: AuthState | undefined;

  const show = (panel: HTMLElement, title: HTMLElement) => {
    element.replaceChildren(panel);
    heading = title;
    // What had the focus is gone: the heading says what came instead.
    heading.focus();
  };

  const showIdle = (state: AuthState) => {
    if (idle?.status === state.status) return;
    idle = state;
    const { picture, title, text, action, press, others } = invitation(state);
    const first = button("button primary wide", press, action);
    show(...card(icon(picture), title, text, first, others ? waysBut(redirect) : undefined));
  };

  const invitation = (state: AuthState): Invitation => {
    if (state.status === "sessionOver") {
      const who = state.user?.name ?? state.user?.email;
      return {
        picture: "clock",
        title: "Your session has ended",
        text: `${who ? `${who}, the` : "The"} server has ended it. Sign in again to go on.`,
        action: "Sign in again",
        press: () => void login(redirect),
        others: true,
      };
    }
    if (state.status === "sessionChanged") {
      return {
        picture: "info",
        title: "The account has changed",
        text: "Another tab signed in as somebody else or for another organization. You can follow.",
        action: "Continue with it",
        press: () => location.reload(),
        others: false,
      };
    }
    return {
      picture: "key",
      title: "Sign in to Astropass",
      text: "You go to the sign-in page, and come back here when you are done.",
      action: "Sign in",
      press: () => void login(redirect),
      others: true,
    };
  };

  /** All ways but the one that the first button is for. */
  const waysBut = (first: Way) => {
    const others = ([[redirect, "page"], [inWindow, "window"], [withCode, "phone"]] as const)
      .filter(([way]) => way !== first)
      .map(([way, picture]) => button("button quiet", () => void login(way), icon(picture), way.name));
    const label = el("p", { class: "label", id: "other-ways" }, "Other ways to sign in");
    const group = { class: "other-ways", role: "group", "aria-labelledby": "other-ways" };
    return el("div", group, label, ...others);
  };

  const showStarting = (way: Way, own: AbortController) => {
    const cancel = button("button wide", () => own.abort(), "Cancel");
    const emblem = way.icon ? icon(way.icon) : spinner();
    show(...card(emblem, way.title, way.text, cancel));
  };

  const showPrompt = (asked: Prompt) => {
    prompt = promptPanel(asked, () => attempt?.abort());
    show(prompt.element, prompt.heading);
    announce(`Your code is ${asked.userCode}. Waiting for your approval.`);
  };

  const showFailure = (error: unknown) => {
    failure = error;
    const advice = adviceFor(error);
    const retry = button("button primary wide", () => void login(last), advice.action);
    const detail = advice.detail && el("p", { class: "detail" }, advice.detail);
    const body = [detail || undefined, retry, waysBut(last)];
    show(...card(icon(advice.icon), advice.title, advice.text, ...body));
    announce(advice.text);
  };

  let slow: ReturnType<typeof setTimeout> | undefined;
  const redirect = byRedirect(auth);
  const inWindow = byWindow(auth);
  const withCode = byCode(auth, (asked) => {
    clearTimeout(slow);
    showPrompt(asked);
  });
  let last = redirect;

  async function login(way: Way): Promise<void> {
    if (attempt) return;
    last = way;
    idle = undefined;
    failure = undefined;
    const own = (attempt = new AbortController());
    // Where there is something to say about it, at once.
    slow = setTimeout(() => showStarting(way, own), way.icon ? 0 : SLOW_MS);
    try {
      await way.start(own.signal);
    } catch (error) {
      if (attempt !== own) return;
      if (own.signal.aborted) showIdle(auth.state);
      else showFailure(error);
    } finally {
      clearTimeout(slow);
      prompt?.stop();
      prompt = undefined;
      if (attempt === own) attempt = undefined;
    }
  }

  const connection = () => {
    prompt?.setOnline(navigator.onLine);
    if (!isConnection(failure)) return;
    if (navigator.onLine && last.resumes) void login(last);
    else showFailure(failure);
  };
  // Somebody who went back from the sign-in page sees this one as he left it.
  const back = ({ persisted }: PageTransitionEvent) => persisted && attempt?.abort();
  addEventListener("online", connection);
  addEventListener("offline", connection);
  addEventListener("pageshow", back);

  if (failed === undefined) showIdle(before);
  else showFailure(failed);
  return {
    element,
    title: "Sign in",
    get heading() {
      return heading;
    },
    update(state) {
      if (idle) showIdle(state);
    },
    leave() {
      removeEventListener("online", connection);
      removeEventListener("offline", connection);
      removeEventListener("pageshow", back);
      const ending = attempt;
      attempt = undefined;
      ending?.abort();
    },
  };
}
