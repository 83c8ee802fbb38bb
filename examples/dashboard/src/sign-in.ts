import type { Astropass, AuthState, Prompt } from "astropass";
import { adviceFor, isConnection } from "./advice";
import { announce } from "./announce";
import { button, el, type Child } from "./dom";
import { icon, type IconName } from "./icon";
import { promptPanel, type PromptPanel } from "./prompt";
import type { View } from "./view";

/** A server that answers sooner needs no screen in between. */
const SLOW_MS = 400;

/** The card before a login. */
interface Invitation {
  picture: IconName;
  title: string;
  text: string;
  action: string;
  press: () => void;
}

/** From the first button to the approval, with every way it can end instead. */
export function signInView(auth: Astropass, before: AuthState): View {
  const element = el("div", { class: "sign-in" });
  let heading: HTMLElement = el("h1");
  let attempt: AbortController | undefined;
  let prompt: PromptPanel | undefined;
  let failure: unknown;
  /** The state that the first card speaks of, while it is shown. */
  let idle: AuthState | undefined;

  const show = (card: HTMLElement, title: HTMLElement) => {
    element.replaceChildren(card);
    heading = title;
    // What had the focus is gone: the heading says what came instead.
    heading.focus();
  };

  const showIdle = (state: AuthState) => {
    if (idle?.status === state.status) return;
    idle = state;
    const { picture, title, text, action, press } = invitation(state);
    show(...card(icon(picture), title, text, button("button primary wide", press, action)));
  };

  const invitation = (state: AuthState): Invitation => {
    if (state.status === "sessionOver") {
      const who = state.user?.name ?? state.user?.email;
      return {
        picture: "clock",
        title: "Your session has ended",
        text: `${who ? `${who}, the` : "The"} server has ended it. Sign in again to go on.`,
        action: "Sign in again",
        press: login,
      };
    }
    if (state.status === "sessionChanged") {
      return {
        picture: "info",
        title: "The account has changed",
        text: "Another tab signed in as somebody else or for another organization. You can follow.",
        action: "Continue with it",
        press: () => location.reload(),
      };
    }
    return {
      picture: "key",
      title: "Sign in to Astropass",
      text: "You get a short code, and approve it on the sign-in page, here or on your phone.",
      action: "Sign in",
      press: login,
    };
  };

  const showStarting = (own: AbortController) => {
    const cancel = button("button wide", () => own.abort(), "Cancel");
    const spinner = el("span", { class: "spinner", "aria-hidden": "true" });
    show(...card(spinner, "Getting a code", "This takes a moment.", cancel));
  };

  const showPrompt = (asked: Prompt) => {
    prompt = promptPanel(asked, () => attempt?.abort());
    show(prompt.element, prompt.heading);
    announce(`Your code is ${asked.userCode}. Waiting for your approval.`);
  };

  const showFailure = (error: unknown) => {
    failure = error;
    const advice = adviceFor(error);
    const retry = button("button primary wide", login, advice.action);
    const detail = advice.detail && el("p", { class: "detail" }, advice.detail);
    show(...card(icon(advice.icon), advice.title, advice.text, detail || undefined, retry));
    announce(advice.text);
  };

  async function login(): Promise<void> {
    if (attempt) return;
    idle = undefined;
    failure = undefined;
    const own = (attempt = new AbortController());
    const slow = setTimeout(() => showStarting(own), SLOW_MS);
    try {
      const onPrompt = (asked: Prompt) => {
        clearTimeout(slow);
        showPrompt(asked);
      };
      await auth.login({ onPrompt, signal: own.signal });
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
    if (navigator.onLine) void login();
    else showFailure(failure);
  };
  addEventListener("online", connection);
  addEventListener("offline", connection);

  showIdle(before);
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
      const ending = attempt;
      attempt = undefined;
      ending?.abort();
    },
  };
}

function card(
  emblem: Node,
  title: string,
  text: string,
  ...rest: Child[]
): [HTMLElement, HTMLElement] {
  const heading = el("h1", { tabindex: "-1" }, title);
  const body = [heading, el("p", { class: "lead" }, text), ...rest];
  return [
    el("div", { class: "card single" }, el("div", { class: "emblem" }, emblem), ...body),
    heading,
  ];
}
