/** Parameters of an authorization response: RFC 6749 section 4.1.2, RFC 9207, OpenID Connect Session. */
const PARAMETERS = /[?&](code|(session_)?state|iss|error(_description|_uri)?)=[^&]*/g;

/** How many answers are being handled in this page. */
let handling = 0;
/** Whether it is being left: Firefox then lets requests fail in it, and goes on with it for a while. */
let leaving = false;

/** The `state` of `url` if it is the answer to a login of ours; 128 random bits tell it from others. */
export function stateOf(url: string): string | undefined {
  const [page] = url.split("#");
  return /[?&](code|error)=/.test(page!) ? /[?&]state=([\w-]{22})(&|$)/.exec(page!)?.[1] : undefined;
}

/**
 * Takes the answer out of the page's URL and history, leaving the rest to the byte, and notes in the
 * tab that it is being handled.
 */
export function take(url: string): void {
  handling += 1;
  note("handles a redirect");
  addEventListener("beforeunload", () => (leaving = true));
  if (url !== location.href) return;
  const [page, hash] = url.split(/(?=#)/, 2);
  const rest = page!.replace(PARAMETERS, ([first]) => (first === "?" ? "?" : ""));
  history.replaceState(history.state, "", rest.replace("?&", "?").replace(/\?$/, "") + (hash ?? ""));
}

/** Ends what {@link take} begins. */
export function taken(failed?: boolean): void {
  handling -= 1;
  if (!(failed && leaving)) note("");
}

/** Whether the tab was reloaded while an answer was handled; says so once. */
export function wasInterrupted(): boolean {
  return !handling && !!note() && !note("");
}

/** Changes the tab's note, or reads it. Where that is forbidden a reload is not noticed. */
function note(text?: string): string | undefined {
  try {
    if (text === undefined) return sessionStorage["astropass"];
    sessionStorage["astropass"] = text;
  } catch {}
  return "";
}
