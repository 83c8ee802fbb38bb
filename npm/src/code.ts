// What only a login with the authorization code flow needs.

import type { Visit } from "astropass-wasm";
import { stateOf, taken } from "./callback.js";
import { channelOf, handOver } from "./channel.js";
import { AstropassError } from "./errors.js";
import { deferred } from "./promises.js";
import type { RedirectOptions, RedirectResult } from "./types.js";

/** How often to see whether a window is still there, in milliseconds: nobody tells. */
const LOOK = 250;

/** What the wasm needs to know of a login. */
export function asked({ redirectUri = location.pathname, ...asked }: RedirectOptions) {
  const url = new URL(redirectUri, location.href);
  if (url.origin !== location.origin) {
    throw new AstropassError("invalid_url", "the redirect URI must be of this page's origin");
  }
  // Servers compare it byte for byte.
  return { ...asked, redirectUri: URL.canParse(redirectUri) ? redirectUri : url.href };
}

/** Ends the login that `url`, with its `state`, answers: by `finish`, or in the page that waits. */
export async function handle(
  url: string,
  state: string | undefined,
  finish: () => Promise<RedirectResult | undefined>,
): Promise<RedirectResult> {
  if (!state) {
    throw new AstropassError(
      "login_interrupted",
      "the page was reloaded before the sign-in was done: sign in again",
    );
  }
  const result = await finish().catch((error: unknown) => {
    taken(true);
    throw error;
  });
  taken();
  if (result) return result;
  if (await handOver(url, state)) {
    close();
    return { popup: true };
  }
  throw new AstropassError(
    "invalid_callback",
    "no sign-in waits for this answer: it came before, or belongs to another browser or profile",
  );
}

/**
 * What sends the window `popup` to a URL, and a promise of the URL that it comes back to, or of
 * nothing when its time is over. Tells `failed` if somebody closes it; `signal` ends all this.
 */
export function visitor(
  popup: Window,
  failed: (error: unknown) => void,
  signal: AbortSignal,
): [(to: Visit) => void, Promise<string | undefined>] {
  const { promise, resolve } = deferred<string | undefined>();
  const visit = ({ url, expiresIn }: Visit) => {
    const state = new URL(url).searchParams.get("state")!;
    const end = Date.now() + expiresIn * 1000;
    const channel = channelOf(state);
    const timer = setInterval(() => {
      if (Date.now() > end) resolve(undefined);
      // A page there that cuts itself off (COOP) looks closed from here, but is in front of it.
      else if (popup.closed && !document.hidden && document.hasFocus()) {
        failed(new AstropassError("popup_closed", "the sign-in window was closed"));
      }
    }, LOOK);
    const stop = () => {
      clearInterval(timer);
      channel.close();
    };
    signal.addEventListener("abort", stop);
    channel.onmessage = ({ data }) => {
      // Any script of the origin can say anything here.
      if (stateOf(String(data)) !== state) return;
      // Whoever hears this closes the window, and nobody has to look after it any more.
      channel.postMessage("");
      stop();
      resolve(data);
    };
    popup.location.replace(url);
  };
  return [visit, promise];
}
