import type { Session, Shown, Task, Visit } from "astropass-wasm";
import { NOTE, stateOf } from "./callback.js";
import { channelOf, handOver } from "./channel.js";
import { AstropassError } from "./errors.js";
import { abortable, deferred } from "./promises.js";
import { run } from "./task.js";
import type { LoginOptions, PopupOptions, RedirectOptions, RedirectResult } from "./types.js";

/** How often to see whether a window is still there, in milliseconds: nobody tells. */
const LOOK = 250;
/** How soon after a window that is closed the page behind it has the focus, in milliseconds. */
const BACK = 1000;

/** How many answers are being handled in this page. */
let handling = 0;

/** What `Astropass` loads when it is needed. */
export class Logins {
  readonly #session: Session;
  readonly #closed: AbortSignal;
  readonly #run: <T>(call: () => Promise<T>) => Promise<T>;
  readonly #look: (before?: boolean) => Promise<void>;

  /**
   * Those of an `Astropass`, with its own ways to run a call of the wasm to its end, and to read the
   * session again; or `before` a login, to see whether one could be stored.
   */
  constructor(
    session: Session,
    closed: AbortSignal,
    run: <T>(call: () => Promise<T>) => Promise<T>,
    look: (before?: boolean) => Promise<void>,
  ) {
    this.#session = session;
    this.#closed = closed;
    this.#run = run;
    this.#look = look;
  }

  /** `login`, after which it is called. */
  async login({ onPrompt, signal }: LoginOptions): Promise<void> {
    await this.#signIn(signal, (fail) => {
      const show = async ({ expiresIn, ...prompt }: Shown) => {
        try {
          await onPrompt({ ...prompt, expiresAt: new Date(Date.now() + expiresIn * 1000) });
        } catch (error) {
          fail(error);
        }
      };
      return this.#session.login(show);
    });
  }

  /** `loginWithRedirect` */
  async leave({ signal, ...options }: RedirectOptions): Promise<void> {
    needPage();
    const begun = asked(options);
    const url = await this.#begin(signal, (ended) =>
      run(this.#session.beginRedirect(begun), ended),
    );
    signal?.throwIfAborted();
    this.#closed.throwIfAborted();
    location.assign(url);
  }

  /** `handleRedirect`, of a `url` with its `state`; or of none, where the tab has a note. */
  async comeBack(url: string, state?: string): Promise<RedirectResult | undefined> {
    needPage();
    if (!state) {
      if (handling) return undefined;
      sessionStorage.removeItem(NOTE);
      throw new AstropassError(
        "login_interrupted",
        "the page was reloaded before the sign-in was done: sign in again",
      );
    }
    const result = await noted(this.#run(() => run(this.#session.finishRedirect(url))));
    if (result) {
      await this.#look();
      return result;
    }
    if (await handOver(url, state)) {
      close();
      return { popup: true };
    }
    throw new AstropassError(
      "invalid_callback",
      "no sign-in waits for this answer: it came before, or belongs to another browser or profile",
    );
  }

  /** `loginWithPopup`, in the window that it has opened. */
  async inWindow(
    popup: Window | null | undefined,
    { signal, ...options }: PopupOptions,
  ): Promise<void> {
    needPage();
    if (!popup) {
      throw new AstropassError("popup_blocked", "the browser opens a window only right in a click");
    }
    await this.#signIn(signal, (fail, over) =>
      this.#session.loginWithPopup(asked(options), ...visitor(popup, fail, over)),
    );
  }

  /** `switchOrganization` */
  async switchOrganization(organization: string): Promise<void> {
    await this.#run(() => run(this.#session.switchOrganization(organization)));
    await this.#look();
  }

  /** A login up to the grant, which `fail` or `signal` can end, and then the storing of it. */
  async #signIn(
    signal: AbortSignal | undefined,
    begin: (fail: (error: unknown) => void, over: AbortSignal) => Task<Task<void>>,
  ): Promise<void> {
    await this.#begin(signal, async (ended, fail, over) => run(await run(begin(fail, over), ended)));
    await this.#look();
  }

  /**
   * What begins a login, where it could be stored. It is told when `signal` or `fail` has `ended` it,
   * or this object has, and for its helpers when all is `over`.
   */
  async #begin<T>(
    signal: AbortSignal | undefined,
    begin: (
      ended: Promise<void>,
      fail: (error: unknown) => void,
      over: AbortSignal,
    ) => Promise<T>,
  ): Promise<T> {
    const over = new AbortController();
    const { promise: ended, resolve: end } = deferred();
    const thrown = deferred<never>();
    const fail = (error: unknown) => {
      end();
      thrown.reject(error);
    };
    for (const ending of [signal, this.#closed]) {
      ending?.addEventListener("abort", () => end(), { signal: over.signal });
    }
    const login = this.#run(async () => {
      await this.#look(true);
      return begin(ended, fail, over.signal);
    });
    try {
      return await abortable(Promise.race([login, thrown.promise]), signal);
    } finally {
      // It goes on until it has noticed.
      void login.catch(() => {}).then(() => over.abort());
    }
  }
}

/** Workers and programs have nothing that goes anywhere, or comes back. */
function needPage(): void {
  if (!globalThis.document) {
    throw new AstropassError("misuse", "only a page can do this: elsewhere, call login()");
  }
}

/** Does `work`, with a note in the tab that outlives the page. */
async function noted<T>(work: Promise<T>): Promise<T> {
  const over = new AbortController();
  // Firefox lets requests fail in a page that is being left, and goes on with it for a while.
  let leaving = false;
  addEventListener("beforeunload", () => (leaving = true), over);
  let failed = true;
  handling += 1;
  note((notes) => notes.setItem(NOTE, "handles a redirect"));
  try {
    const result = await work;
    failed = false;
    return result;
  } finally {
    handling -= 1;
    over.abort();
    if (!(failed && leaving)) note((notes) => notes.removeItem(NOTE));
  }
}

/** The tab's notes may be forbidden: then a reload is not noticed. */
function note(change: (notes: Storage) => void): void {
  try {
    change(sessionStorage);
  } catch {}
}

/** What the wasm needs to know of a login. */
function asked({ redirectUri = location.pathname, ...asked }: RedirectOptions) {
  const url = new URL(redirectUri, location.href);
  if (url.origin !== location.origin) {
    throw new AstropassError("invalid_url", "the redirect URI must be of this page's origin");
  }
  // Servers compare it byte for byte.
  return { ...asked, redirectUri: URL.canParse(redirectUri) ? redirectUri : url.href };
}

/**
 * What sends the window `popup` to a URL, and a promise of the URL that it comes back to, or of
 * nothing when its time is over. Tells `failed` if somebody closes it; `signal` ends all this.
 */
function visitor(
  popup: Window,
  failed: (error: unknown) => void,
  signal: AbortSignal,
): [(to: Visit) => void, Promise<string | undefined>] {
  const { promise, resolve } = deferred<string | undefined>();
  const closed = () =>
    failed(new AstropassError("popup_closed", "the sign-in window was closed"));
  const visit = ({ url, expiresIn }: Visit) => {
    // Nobody else could have done it yet.
    if (popup.closed) return closed();
    const state = new URL(url).searchParams.get("state")!;
    const end = Date.now() + expiresIn * 1000;
    const channel = channelOf(state);
    let focused = document.hasFocus();
    let came = 0;
    let gone = 0;
    const timer = setInterval(() => {
      const now = Date.now();
      const before = focused;
      focused = document.hasFocus();
      if (focused && !before) came = now;
      if (popup.closed) gone ||= now;
      if (now > end) resolve(undefined);
      // A page there that cuts itself off (COOP) looks closed from here, but keeps the focus.
      else if (gone && focused && Math.abs(came - gone) < BACK) closed();
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
