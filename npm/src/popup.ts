import { clean, stateOf } from "./callback.js";
import { handOver } from "./channel.js";

/**
 * For a page that is nothing but a popup's redirect URI: hands its URL to the page that opened the
 * window, and closes the window.
 *
 * @returns whether a page has taken it; where this is `false`, say that the sign-in is over
 */
export async function answerPopup(url: string = location.href): Promise<boolean> {
  const state = stateOf(url);
  if (!state) return false;
  clean(url);
  if (!(await handOver(url, state))) return false;
  close();
  return true;
}
