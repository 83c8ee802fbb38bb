import type { Visit } from "astropass-wasm";
import { channelOf, stateOf } from "./callback.js";
import { AstropassError } from "./errors.js";

const WIDTH = 480;
const HEIGHT = 720;
/** How often to see whether the window is still there, in milliseconds: nobody tells. */
const LOOK = 250;

/**
 * Opens a window for a login: to be called in a click, before anything is awaited.
 *
 * @throws {AstropassError} `popup_blocked`
 */
export function openWindow() {
  const left = Math.round(screenX + (outerWidth - WIDTH) / 2);
  const top = Math.round(screenY + (outerHeight - HEIGHT) / 2);
  const popup = open("", "", `popup,width=${WIDTH},height=${HEIGHT},left=${left},top=${top}`);
  if (!popup) {
    throw new AstropassError("popup_blocked", "the browser opens a window only right in a click");
  }
  let channel: BroadcastChannel | undefined;
  let timer: ReturnType<typeof setInterval>;
  return {
    /**
     * Goes to `url`. Tells `answered` the URL that the window comes back to, or nothing after
     * `expiresIn` seconds; and `failed` when somebody has closed the window.
     */
    visit(
      { url, expiresIn }: Visit,
      answered: (callback?: string) => void,
      failed: (error: unknown) => void,
    ) {
      const state = new URL(url).searchParams.get("state")!;
      const end = Date.now() + expiresIn * 1000;
      channel = channelOf(state);
      channel.onmessage = ({ data }) => {
        // Any script of the origin can say anything here.
        if (stateOf(String(data)) !== state) return;
        // Whoever hears this closes the window, and nobody has to look after it any more.
        clearInterval(timer);
        channel!.postMessage("");
        answered(data);
      };
      timer = setInterval(() => {
        if (Date.now() > end) answered();
        // A page there that cuts itself off (COOP) looks closed from here, but is in front of it.
        else if (popup.closed && !document.hidden && document.hasFocus()) {
          failed(new AstropassError("popup_closed", "the sign-in window was closed"));
        }
      }, LOOK);
      popup.location.replace(url);
    },
    close() {
      clearInterval(timer);
      channel?.close();
      popup.close();
    },
  };
}
