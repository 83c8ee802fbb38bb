/** Parameters of an authorization response: RFC 6749 section 4.1.2, RFC 9207, OpenID Connect Session. */
const PARAMETERS = /^(code|state|iss|error|error_description|error_uri|session_state)=/;
/** The tab's own note that an answer is being handled. */
const NOTE = "astropass";
/** How long a page that is there may take to say so, in milliseconds. */
const PATIENCE = 1000;

/** The `state` of `url` if it is the answer to a login of ours; 128 random bits tell it from others. */
export function stateOf(url: string): string | undefined {
  const parameters = URL.canParse(url) ? new URL(url).searchParams : undefined;
  const state = parameters?.get("state") ?? "";
  const answers = parameters?.has("code") || parameters?.has("error");
  return answers && /^[\w-]{22}$/.test(state) ? state : undefined;
}

/** Takes the answer out of the page's URL and history, and leaves the rest to the byte. */
export function clean(url: string): void {
  if (url !== location.href) return;
  const [, before, query, hash] = /^([^?#]*)\??([^#]*)(.*)/.exec(url) as unknown as string[];
  const rest = query!.split("&").filter((parameter) => !PARAMETERS.test(parameter)).join("&");
  history.replaceState(history.state, "", before + (rest && `?${rest}`) + hash);
}

let handling = 0;

/** Does `work`, with a note that outlives the page. */
export async function noted<T>(work: Promise<T>): Promise<T> {
  handling += 1;
  note((notes) => notes.setItem(NOTE, "handles a redirect"));
  try {
    return await work;
  } finally {
    // Not in a page that is just being left: Firefox first lets its requests fail.
    setTimeout(() => {
      handling -= 1;
      note((notes) => notes.removeItem(NOTE));
    });
  }
}

/** Whether the tab was reloaded while it did such work; says so once. */
export function interrupted(): boolean {
  if (handling || !note((notes) => notes.getItem(NOTE))) return false;
  note((notes) => notes.removeItem(NOTE));
  return true;
}

/** The tab's notes may be forbidden: then a reload is not noticed. */
function note<T>(use: (notes: Storage) => T): T | undefined {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}

/** What the page that opened the window, and the window that came back, talk by. */
export function channelOf(state: string): BroadcastChannel {
  return new BroadcastChannel(`astropass login ${state}`);
}

/** Gives `url` to the page that waits for it, and says whether there is one. */
export async function handOver(url: string, state: string): Promise<boolean> {
  const channel = channelOf(state);
  const taken = new Promise<boolean>((resolve) => {
    channel.onmessage = () => resolve(true);
    setTimeout(resolve, PATIENCE, false);
  });
  channel.postMessage(url);
  return taken.finally(() => channel.close());
}
