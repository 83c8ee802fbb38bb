import type { AstropassProblem, AuthState } from "astropass";
import { adviceFor } from "./advice";
import { announce } from "./announce";
import { button, el } from "./dom";
import { icon, type IconName } from "./icon";

const strip = document.querySelector("#notices") as HTMLElement;

interface Notice {
  icon: IconName;
  title: string;
  text: string;
  dismiss?: () => void;
}

const PROBLEMS: Record<AstropassProblem["kind"], Notice> = {
  storageUnavailable: {
    icon: "alert",
    title: "This browser does not keep the session.",
    text: "It lasts until this tab is closed. To keep it, allow site data or leave private mode.",
  },
  notSaved: {
    icon: "alert",
    title: "Your session could not be saved.",
    text: "Keep this tab open; others may be signed out. Freeing disk space may help.",
  },
  refreshFailed: {
    icon: "alert",
    title: "Access could not be renewed.",
    text: "It is tried again every few seconds. You need to do nothing yet.",
  },
};

let signedIn = false;
let problem: AstropassProblem["kind"] | undefined;
/** What happened last, until it is dismissed or not true any more. */
let news: Notice | undefined;
let shown = "";

/** What holds for the whole page, above either screen. */
export function noticeState(state: AuthState): void {
  problem = state.problem?.kind;
  const signsIn = state.status === "signedIn";
  if (signsIn !== signedIn) news = undefined;
  signedIn = signsIn;
  render();
}

export function noticeNotSignedIn(error: unknown): void {
  const { icon, title } = adviceFor(error);
  news = { icon, title: `${title}.`, text: "You are signed in as before.", dismiss };
  render();
}

export function noticeSignedOut(revoked: boolean | undefined): void {
  news = {
    icon: "check",
    title: "You are signed out.",
    text:
      revoked === false
        ? "The server could not be told. It forgets this session by itself when it expires."
        : "This browser has forgotten the session.",
    dismiss,
  };
  render();
}

export function noticeNotSignedOut(): void {
  news = {
    icon: "alert",
    title: "Signing out did not work.",
    text: "Try again. If it still fails, clear this site's data in the browser's settings.",
    dismiss,
  };
  render();
}

function dismiss(): void {
  news = undefined;
  render();
  // The pressed button is gone.
  document.querySelector("h1")?.focus();
}

function render(): void {
  const notices: Notice[] = [];
  // The sign-in screen has words of its own for it.
  if (signedIn && !navigator.onLine) {
    notices.push({
      icon: "offline",
      title: "You are offline.",
      text: "You stay signed in. What needs the server goes on when you are back.",
    });
  }
  // While offline a renewal that failed is no news.
  if (problem && (navigator.onLine || problem !== "refreshFailed")) notices.push(PROBLEMS[problem]);
  if (news) notices.push(news);
  const words = notices.map(({ title, text }) => `${title} ${text}`).join(" ");
  if (words === shown) return;
  shown = words;
  strip.hidden = notices.length === 0;
  strip.replaceChildren(
    ...notices.map((notice) =>
      el(
        "div",
        { class: `notice ${notice.icon}` },
        icon(notice.icon),
        el("p", {}, el("strong", {}, notice.title), ` ${notice.text}`),
        notice.dismiss && button("button quiet small", notice.dismiss, "Dismiss"),
      ),
    ),
  );
  if (words) announce(words);
}

addEventListener("online", render);
addEventListener("offline", render);
