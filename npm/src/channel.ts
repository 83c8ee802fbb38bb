import { deferred } from "./promises.js";

/** How long a page that is there may take to say so, in milliseconds. */
const PATIENCE = 3000;

/** What the page that opened the window, and the window that came back, talk by. */
export function channelOf(state: string): BroadcastChannel {
  return new BroadcastChannel(`astropass login ${state}`);
}

/** Gives `url` to the page that waits for it, and says whether there is one. */
export async function handOver(url: string, state: string): Promise<boolean> {
  const channel = channelOf(state);
  const { promise: taken, resolve } = deferred<boolean>();
  channel.onmessage = () => resolve(true);
  setTimeout(resolve, PATIENCE, false);
  channel.postMessage(url);
  return taken.finally(() => channel.close());
}
