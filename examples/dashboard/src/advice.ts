import { AstropassError, type AstropassErrorCode } from "astropass";
import type { IconName } from "./icon";

/** What went wrong, and what a person can do about it. */
export interface Advice {
  icon: IconName;
  title: string;
  text: string;
  /** The button's text. */
  action: string;
  /** For whoever is asked for help. */
  detail?: string;
}

const again = "Try again";

const storage = (text: string): Advice => ({
  icon: "alert",
  title: "Your browser cannot keep the session",
  text,
  action: again,
});

const ADVICE: Partial<Record<AstropassErrorCode, Advice>> = {
  access_denied: {
    icon: "denied",
    title: "Sign-in was denied",
    text: "Nobody was signed in. If that was a mistake, start again and approve it.",
    action: "Start again",
  },
  login_expired: {
    icon: "clock",
    title: "That took too long",
    text: "A sign-in must be finished within a few minutes. Start again when you are ready.",
    action: "Start again",
  },
  login_interrupted: {
    icon: "alert",
    title: "The sign-in was interrupted",
    text: "The page was reloaded before it was done. Nothing is lost: start again.",
    action: "Start again",
  },
  invalid_callback: {
    icon: "alert",
    title: "This sign-in is not valid any more",
    text: "It was used before, or it began in another browser. Start again here.",
    action: "Start again",
  },
  popup_blocked: {
    icon: "window",
    title: "The window was blocked",
    text: "Your browser did not open the sign-in window. Allow it for this site, or choose another way.",
    action: again,
  },
  popup_closed: {
    icon: "window",
    title: "The window was closed",
    text: "Nobody was signed in. Try again, or choose another way.",
    action: again,
  },
  server_unavailable: {
    icon: "alert",
    title: "The sign-in server is not answering",
    text: "It has trouble or too much to do. Nothing is lost: wait a moment, then try again.",
    action: again,
  },
  store_io: storage("Its storage may be full. Free some space, then try again."),
  store_denied: storage("Storage is blocked for this site. Allow site data, then try again."),
  store_newer: storage("Another tab runs a newer version. Reload this page, then try again."),
  store_busy: storage("Another tab is using it. Close the other tabs, then try again."),
};

const UNREACHABLE: Advice = {
  icon: "offline",
  title: "The sign-in server cannot be reached",
  text: "Your network may be down, or it blocks the server. Check the connection, then try again.",
  action: again,
};

const OFFLINE: Advice = {
  icon: "offline",
  title: "You are offline",
  text: "Nobody can sign in now. Check your connection, then go on when you are back online.",
  action: again,
};

/** Whether being back online is likely to help. */
export function isConnection(error: unknown): boolean {
  // What `fetch` rejects with when there is no answer.
  if (error instanceof TypeError) return true;
  const code = error instanceof AstropassError ? error.code : undefined;
  return code === "network" || code === "timeout";
}

export function adviceFor(error: unknown): Advice {
  if (isConnection(error)) return navigator.onLine ? UNREACHABLE : OFFLINE;
  const code = error instanceof AstropassError ? error.code : undefined;
  const known = code && ADVICE[code];
  if (known) return known;
  if (code?.startsWith("store_")) {
    return storage("Site data may be blocked. Allow it for this site, then try again.");
  }
  return {
    icon: "alert",
    title: "Sign-in did not work",
    text: "Try again. If it happens again, send the line below to your administrator.",
    action: again,
    detail: describe(error),
  };
}

export function describe(error: unknown): string {
  if (error instanceof AstropassError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
