/** The tab's note that an answer is being handled, in `sessionStorage`. */
export const NOTE = "astropass";
/** Parameters of an authorization response: RFC 6749 section 4.1.2, RFC 9207, OpenID Connect Session. */
const PARAMETERS = /[?&](code|(session_)?state|iss|error(_description|_uri)?)=[^&]*/g;

/** The `state` of `url` if it is the answer to a login of ours; 128 random bits tell it from others. */
export function stateOf(url: string): string | undefined {
  const [page] = url.split("#");
  return /[?&](code|error)=/.test(page!) ? /[?&]state=([\w-]{22})(&|$)/.exec(page!)?.[1] : undefined;
}

/** Takes the answer out of the page's URL and history, and leaves the rest to the byte. */
export function clean(url: string): void {
  if (url !== globalThis.location?.href) return;
  const [page] = url.split("#");
  const rest = page!.replace(PARAMETERS, ([first]) => (first === "?" ? "?" : ""));
  const kept = rest.replace("?&", "?").replace(/\?$/, "") + url.slice(page!.length);
  history.replaceState(history.state, "", kept);
}

/** Whether an answer is or was being handled in this tab. Where that is forbidden nobody knows. */
export function isNoted(): boolean {
  try {
    return NOTE in sessionStorage;
  } catch {
    return false;
  }
}
