/// <reference lib="esnext.disposable" preserve="true" />
import type { Session, Task } from "astropass-wasm";
import { clean, isNoted, stateOf } from "./callback.js";
import { AstropassError, toError } from "./errors.js";
import type { Event, Host } from "./host.js";
import { type Modules, load, loadLogin } from "./load.js";
import type { Logins } from "./login.js";
import { apiServer, providerOf, storageOf } from "./options.js";
import { abortable } from "./promises.js";
import { run } from "./task.js";
import type {
  AstropassOptions,
  AstropassProblem,
  AuthState,
  LoginOptions,
  PopupOptions,
  RedirectOptions,
  RedirectResult,
  SignedOutResult,
  StorageKind,
} from "./types.js";

/** One user's session, kept for all tabs of the origin. */
export class Astropass implements AsyncDisposable {
  readonly #session: Session;
  #modules!: Modules;
  readonly #fetch: (request: Request) => Promise<Response>;
  readonly #server: URL | undefined;
  readonly #listeners = new Set<(state: AuthState) => void>();
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;
  readonly #running = new Set<Promise<unknown>>();
  /** Tokens that are asked for, by the one that was rejected. */
  readonly #asked = new Map<string | undefined, Promise<string>>();
  #channel: BroadcastChannel | undefined;
  /** The end of the last look at the session. */
  #looked = Promise.resolve();
  #problem: AstropassProblem | undefined;
  /** Why the session is in memory, where that was not asked for. */
  #fallback: AstropassProblem | undefined;
  /** The revision that was read last, and the one at which the server has ended the session. */
  #revision: string | undefined;
  #over: string | undefined;
  readonly #storage: StorageKind;
  #state: AuthState;

  /** @internal What each entry's `create` does, with its own way to have the wasm. */
  protected static async start(options: AstropassOptions, modules: Modules): Promise<Astropass> {
    const auth = new this(await load(modules), options);
    auth.#modules = modules;
    await auth.#look(undefined, true);
    return auth;
  }

  /** Use `Astropass.create()`. */
  protected constructor(session: object, options: AstropassOptions) {
    const { fetch } = options;
    const storage = storageOf(options);
    this.#storage = typeof storage === "object" ? "custom" : storage;
    this.#state = { status: "signedOut", storage: this.#storage };
    // Called as a method of the host it would be an illegal invocation.
    this.#fetch = fetch ?? ((request) => globalThis.fetch(request));
    this.#server = options.server === undefined ? undefined : apiServer(options.server);
    const host: Host = {
      fetch: this.#fetch,
      storage,
      emit: (event, error) => this.#heard(event, error),
    };
    const known = providerOf(options);
    try {
      this.#session = (session as typeof Session).open(known, host);
    } catch (error) {
      throw toError(error);
    }
    if (storage !== "memory" && globalThis.BroadcastChannel) {
      const name = ["astropass", known.profile, known.issuer, known.client_id].join(" ");
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = ({ data: [event, over] }) => {
        this.#over = over;
        void this.#look(event);
      };
      // In Node.js a channel would keep the program from ending.
      (this.#channel as { unref?: () => void }).unref?.();
    }
    // A page that comes back from the browser's cache has heard nothing meanwhile.
    const back = ({ persisted }: { persisted?: boolean }) => void (persisted && this.#look());
    globalThis.addEventListener?.("pageshow", back as never, { signal: this.#closed.signal });
  }

  /** The session as it is known now. */
  get state(): AuthState {
    return this.#state;
  }

  /**
   * Calls `listener` with the state, at once and after each change, in whichever tab it happens.
   *
   * @returns a function that ends this
   */
  subscribe(listener: (state: AuthState) => void): () => void {
    listener(this.#state);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Signs in with the device flow (RFC 8628): resolves when the person has approved elsewhere, and
   * the session is stored. An earlier session is replaced. Where the database cannot be written and
   * holds no session, this one is in memory until the page goes away, and `state.problem` says why.
   *
   * @throws {AstropassError} `access_denied`, `login_expired`, or what the server says; before
   *   anything is shown, a storage that cannot be written
   */
  async login(options: LoginOptions): Promise<void> {
    return (await this.#logins(options.signal)).login(options);
  }

  /**
   * Signs in with the authorization code flow and PKCE (RFC 6749 section 4.1, RFC 7636): the page
   * goes to the provider, which sends the browser back to the redirect URI. There call
   * {@link handleRedirect}. What it needs then waits in the database, encrypted, and is of use for
   * ten minutes; where nobody comes back the next login of this kind deletes it.
   *
   * @throws {AstropassError} a storage that cannot be written, a provider that cannot be found;
   *   then the page stays
   */
  async loginWithRedirect(options: RedirectOptions = {}): Promise<void> {
    return (await this.#logins(options.signal)).leave(options);
  }

  /**
   * Ends a login that {@link loginWithRedirect} began, if `url` is an answer to one: call it on each
   * page that is a redirect URI. It takes the answer out of the page's URL before it returns. Where
   * there is none it does nothing. An earlier session stays until the new one is stored.
   * Where several profiles share a page, keep its URL first and give it to each of them.
   *
   * In a window of {@link loginWithPopup} it gives the URL to the page that waits for it, and closes
   * the window.
   *
   * @returns nothing where `url` is no answer
   * @throws {AstropassError} `access_denied`, `login_expired`, or what the server says;
   *   `invalid_callback` for an answer that no login of this profile waits for, as when it comes
   *   twice; `login_interrupted` in a page that was reloaded before this was done
   */
  async handleRedirect(url = globalThis.location?.href): Promise<RedirectResult | undefined> {
    const state = url && stateOf(url);
    if (state) clean(url);
    else if (!isNoted()) return undefined;
    return (await this.#logins()).comeBack(url, state);
  }

  /**
   * Signs in with the authorization code flow in a window of its own: call it right in a click.
   * Resolves when the session is stored. The redirect URI's page must call {@link handleRedirect},
   * or `answerPopup()` of `astropass/popup`.
   *
   * @throws {AstropassError} `popup_blocked`, `popup_closed`, `access_denied`, `login_expired`, or
   *   what the server says
   */
  async loginWithPopup(options: PopupOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    // It keeps its `opener`: once that is null, Chromium lets nobody here close it any more.
    const popup = globalThis.open?.("", "", "popup,width=480,height=720");
    try {
      await (await this.#logins(options.signal)).inWindow(popup, options);
    } finally {
      popup?.close();
    }
  }

  /**
   * A valid access token: the one in memory, or one that was refreshed once for all tabs.
   *
   * @throws {AstropassError} `not_signed_in`, `session_over` and `session_changed` ask for a login;
   *   anything else is passing, and comes only when there is no valid token left
   */
  async token({ signal }: { signal?: AbortSignal } = {}): Promise<string> {
    signal?.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    return this.#session.cached() ?? abortable(this.#token(), signal);
  }

  /**
   * `fetch` from the API server, with the access token, and once more after a 401 with a refreshed
   * one. `input` is a path, which is appended to the server's, or a URL there. A redirect is an
   * error, since the token must not follow it.
   *
   * @throws {AstropassError} as {@link token}; `invalid_url` for another server, which never gets
   *   the token. What `fetch` itself rejects with is passed on.
   */
  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const original = typeof input === "object" && "url" in input ? input : undefined;
    const url = this.#apiUrl(original?.url ?? String(input));
    const request = new Request(original ?? url, { ...init, redirect: "manual" });
    const { signal } = request;
    const token = await this.token({ signal });
    const response = await this.#send(request.clone(), token);
    if (response.status !== 401) return response;
    await response.body?.cancel();
    return this.#send(request, await abortable(this.#token(token), signal));
  }

  /**
   * Goes on as a member of another organization (WorkOS). The state of other tabs becomes
   * `sessionChanged`: what they show is the old organization's.
   */
  async switchOrganization(organization: string): Promise<void> {
    const logins = await this.#logins();
    return logins.switchOrganization(organization).catch((error) => this.#told(error));
  }

  /**
   * Signs out: at the server where it can be done, and here and in all tabs whether or not that has
   * answered. Resolves also if nobody is signed in.
   *
   * @throws {AstropassError} `session_changed` where another session took the place of this object's:
   *   it stays; or what keeps the store from being changed, such as `store_busy`
   */
  async logout(): Promise<SignedOutResult> {
    let revoked: boolean | undefined;
    try {
      revoked = await this.#work(() => this.#session.logout());
    } catch (error) {
      const failure = error as AstropassError;
      if (failure.code !== "not_signed_in") return this.#told(failure);
    }
    await this.#look();
    return { revoked };
  }

  /** Ends this object, not the session. A refresh under way is finished first. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#closed.abort(new AstropassError("misuse", "this Astropass is closed"));
      this.#listeners.clear();
      this.#channel?.close();
      await Promise.allSettled(this.#running);
      this.#session.free();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** All who ask for the same share one call, which goes on without them. */
  #token(rejected?: string): Promise<string> {
    let asked = this.#asked.get(rejected);
    if (!asked) {
      // What kept the database from being used may have passed, and there is the session.
      const usable = this.#fallback ? this.#look() : Promise.resolve();
      const token = usable.then(() => this.#work(() => this.#session.token(rejected)));
      asked = token.catch((error) => this.#told(error));
      this.#asked.set(rejected, asked);
      const ended = () => this.#asked.delete(rejected);
      token.then(ended, ended);
    }
    return asked;
  }

  /**
   * Rejects with `error`. Whoever hears that the session is no more finds that in the state, also
   * where no event has said so, as when somebody has cleared the browser's data; not where a 401 is
   * all that says so, to a token that nothing renews.
   */
  async #told(error: AstropassError): Promise<never> {
    if (["not_signed_in", "session_over", "session_changed"].includes(error.code)) await this.#look();
    throw error;
  }

  /** What only a login needs, as soon as it is loaded. */
  async #logins(signal?: AbortSignal): Promise<Logins> {
    signal?.throwIfAborted();
    const { Logins } = await abortable(this.#run(() => loadLogin(this.#modules)), signal);
    return new Logins(
      this.#session,
      this.#closed.signal,
      (call) => this.#run(call),
      (before) => this.#look(undefined, before, before),
    );
  }

  #work<T>(task: () => Task<T>): Promise<T> {
    return this.#run(async () => run(task()));
  }

  /** Runs calls of the wasm to their end, with errors of our own. */
  #run<T>(call: () => Promise<T>): Promise<T> {
    const running = (async () => {
      this.#closed.signal.throwIfAborted();
      return call().catch((error: unknown) => Promise.reject(toError(error)));
    })();
    this.#running.add(running);
    const ended = () => this.#running.delete(running);
    running.then(ended, ended);
    return running;
  }

  #apiUrl(target: string): URL {
    const server = this.#server;
    if (!server) {
      throw new AstropassError("missing_endpoint", "give Astropass.create() the API server");
    }
    const base = server.href.replace(/\/$/, "");
    const url = new URL(target.startsWith("/") ? base + target : target, `${base}/`);
    if (url.origin !== server.origin || url.protocol !== server.protocol) {
      throw new AstropassError(
        "invalid_url",
        "the URL cannot be used: it is not on the API server that the token is for",
      );
    }
    return url;
  }

  async #send(request: Request, token: string): Promise<Response> {
    request.headers.set("authorization", `Bearer ${token}`);
    const response = await this.#fetch(request);
    // A page is not shown which redirect it was.
    const redirects = [301, 302, 303, 307, 308].includes(response.status);
    if (response.type !== "opaqueredirect" && !redirects) return response;
    throw new AstropassError("invalid_url", "the API server redirects, and the token must not go along");
  }

  /** An event of this page's own session. */
  async #heard(event: Event, error: unknown) {
    if (event === "notSaved" || event === "refreshFailed") {
      this.#problem = problem(event, toError(error));
      void this.#look();
      return;
    }
    const looked = this.#look(event);
    if (event === "sessionOver") {
      await looked;
      this.#over = this.#revision;
    }
    try {
      this.#channel?.postMessage([event, this.#over]);
    } catch {
      // Deno's fails now and then. The others ask the store within a second of their next call.
    }
  }

  /**
   * Reads the session again, after `event` in this tab or another. While the database cannot be used
   * it goes on in memory, and says so in the state; before a login it is tried in a `thorough` way.
   */
  #look(event?: Event, tries?: boolean, thorough = false): Promise<void> {
    if (event && event !== "sessionOver") this.#problem = undefined;
    // One after the other: what was read first must not be shown last.
    return (this.#looked = this.#looked.then(() => this.#see(tries, thorough)));
  }

  async #see(tries = !!this.#fallback, thorough: boolean) {
    try {
      if (tries) {
        const unusable = await this.#work(() => this.#session.start(thorough));
        this.#fallback = unusable ? problem("storageUnavailable", toError(unusable)) : undefined;
      }
      const found = await this.#work(() => this.#session.credentials());
      const { expiresAt, revision, over, ...session } = found;
      this.#revision = revision;
      if (this.#problem?.kind === "storageUnavailable") this.#problem = undefined;
      this.#set({
        status: over || revision === this.#over ? "sessionOver" : "signedIn",
        ...session,
        ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt * 1000) }),
        ...this.#kept(),
      });
    } catch (error) {
      const code = error instanceof AstropassError ? error.code : undefined;
      if (this.#closed.signal.aborted) return;
      if (code === "not_signed_in") this.#set({ status: "signedOut", ...this.#kept() });
      else if (code === "session_changed") this.#set({ status: "sessionChanged", ...this.#kept() });
      else {
        // Rule 4: a store that cannot be read at the moment ends nothing.
        this.#problem = problem("storageUnavailable", error);
        this.#set({ ...this.#state, ...this.#kept() });
      }
    }
  }

  #kept() {
    const storage = this.#fallback ? "memory" : this.#storage;
    const problem = this.#problem ?? this.#fallback;
    return { storage, ...(problem && { problem }) } as const;
  }

  #set(state: AuthState) {
    if (this.#closed.signal.aborted || JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (error) {
        // Not the others' concern: it is reported as what a listener throws always is.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

function problem(kind: AstropassProblem["kind"], error: unknown): AstropassProblem {
  const { code, message } = error as AstropassError;
  return { kind, code, message };
}
