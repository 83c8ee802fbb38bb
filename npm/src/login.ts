import type { Session, Shown, Task, Visit } from "astropass-wasm";
import { stateOf, taken } from "./callback.js";
import { channelOf, handOver } from "./channel.js";
import { AstropassError } from "./errors.js";
import { abortable, deferred } from "./promises.js";
import { run } from "./task.js";
import type { LoginOptions, PopupOptions, RedirectOptions, RedirectResult } from "./types.js";

/** How often to see whether a window is still there, in milliseconds: nobody tells. */
const LOOK = 250;

/** What an `Astropass` lets its logins do. */
export interface Owner {
  session: Session;
  closed: AbortSignal;
  /** Runs a call of the wasm to its end. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Sees whether a session could be stored. */
  prepare(): Promise<void>;
  /** Reads the session again. */
  look(): Promise<void>;
}

/** What `Astropass` loads when it is needed. */
export class Logins {
  readonly #owner: Owner;

  constructor(owner: Owner) {
    this.#owner = owner;
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
      return this.#owner.session.login(show);
    });
  }

  /** `loginWithRedirect` */
  async leave(options: RedirectOptions): Promise<void> {
    const { session, run: running, prepare } = this.#owner;
    const begun = asked(options);
    const url = await running(async () => {
      await prepare();
      return run(session.beginRedirect(begun));
    });
    location.assign(url);
  }

  /** `handleRedirect`, of a `url` with its `state`; or of none, where the page was interrupted. */
  async comeBack(url: string, state: string | undefined): Promise<RedirectResult> {
    if (!state) {
      throw new AstropassError(
        "login_interrupted",
        "the page was reloaded before the sign-in was done: sign in again",
      );
    }
    const { session, run: running, look } = this.#owner;
    const finished = running(() => run(session.finishRedirect(url)));
    const result = await finished.catch((error: unknown) => {
      taken(true);
      throw error;
    });
    taken();
    if (result) {
      await look();
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
  async inWindow(popup: Window, { signal, ...options }: PopupOptions): Promise<void> {
    await this.#signIn(signal, (fail, over) =>
      this.#owner.session.loginWithPopup(asked(options), ...visitor(popup, fail, over)),
    );
  }

  /** `switchOrganization` */
  async switchOrganization(organization: string): Promise<void> {
    const { session, run: running, look } = this.#owner;
    await running(() => run(session.switchOrganization(organization)));
    await look();
  }

  /** A login up to the grant, which `fail` or `signal` can end, and then the storing of it. */
  async #signIn(
    signal: AbortSignal | undefined,
    begin: (fail: (error: unknown) => void, over: AbortSignal) => Task<Task<void>>,
  ): Promise<void> {
    const { closed, run: running, prepare, look } = this.#owner;
    const over = new AbortController();
    const { promise: abandoned, resolve: abandon } = deferred();
    const thrown = deferred<never>();
    const fail = (error: unknown) => {
      abandon();
      thrown.reject(error);
    };
    for (const end of [signal, closed]) {
      end?.addEventListener("abort", () => abandon(), { signal: over.signal });
    }
    const login = running(async () => {
      await prepare();
      return run(await run(begin(fail, over.signal), abandoned));
    });
    try {
      await abortable(Promise.race([login, thrown.promise]), signal);
    } finally {
      // It goes on until it has noticed.
      void login.catch(() => {}).then(() => over.abort());
    }
    await look();
  }
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
