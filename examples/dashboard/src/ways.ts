import type { Astropass, Prompt } from "astropass";
import type { IconName } from "./icon";

/** A way to sign in. */
export interface Way {
  /** What it is called where others are offered beside it. */
  name: string;
  /** What is shown where it takes a moment, until there is something else to see. */
  title: string;
  text: string;
  icon?: IconName;
  /** Whether it can begin again without a click. */
  resumes: boolean;
  /** To be called in the click: a window may not be opened any later. */
  start(signal: AbortSignal): Promise<void>;
}

/** By the sign-in page, in this tab: the page goes away, and comes back signed in. */
export function byRedirect(auth: Astropass): Way {
  return {
    name: "In this window",
    title: "Going to the sign-in page",
    text: "This takes a moment.",
    resumes: true,
    async start(signal) {
      // There is nothing to come back from behind the browser's own page about that.
      if (!navigator.onLine) throw new TypeError("offline");
      await auth.loginWithRedirect({ signal });
      // The page goes when the next one answers; it is seen again only if somebody goes back.
      await new Promise((_, cancel) => {
        signal.addEventListener("abort", () => {
          stop();
          cancel(signal.reason);
        });
      });
    },
  };
}

/** By the sign-in page in a window of its own, so that this page stays as it is. */
export function byWindow(auth: Astropass): Way {
  return {
    name: "In a new window",
    title: "Continue in the other window",
    text: "The sign-in page is open there. It closes by itself when you are done.",
    icon: "window",
    resumes: false,
    start: (signal) => auth.loginWithPopup({ redirectUri: "/popup.html", signal }),
  };
}

/** By a code that is approved anywhere, such as on a phone. */
export function byCode(auth: Astropass, onPrompt: (prompt: Prompt) => void): Way {
  return {
    name: "With a code, on any device",
    title: "Getting a code",
    text: "This takes a moment.",
    resumes: true,
    start: (signal) => auth.login({ onPrompt, signal }),
  };
}
