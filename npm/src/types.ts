/** What {@link Astropass.create} needs to know. */
export interface AstropassOptions {
  /** The public client's `client_id` (RFC 6749 section 2.2). */
  clientId: string;
  /** A provider that is known by name. Give this, or `issuer`, or `endpoints`. */
  provider?: "workos";
  /** WorkOS's base URL. Default: `https://api.workos.com`. */
  workosUrl?: string;
  /**
   * The issuer identifier of a standard provider, exactly as the provider has it. Its endpoints are
   * found by discovery (RFC 8414, OpenID Connect Discovery) at the first login, and remembered.
   */
  issuer?: string;
  /**
   * Endpoints of a standard provider, before what discovery finds. With `token` and one where a login
   * begins, nothing is looked up; then the issuer is the token endpoint's origin unless `issuer`
   * says otherwise: it must be the `iss` of the provider's ID tokens.
   */
  endpoints?: Endpoints;
  /** The scopes to ask a standard provider for. Default: `openid profile email offline_access`. */
  scopes?: readonly string[];
  /** The API server: the only one that {@link Astropass.fetch} gives the access token to. */
  server?: string;
  /** Tells sessions of the same client on the same origin apart. Default: `default`. */
  profile?: string;
  /** Where the session is kept. Default: `"indexeddb"`. */
  storage?: "indexeddb" | "memory" | AstropassStorage;
  /** Sends every request instead of the platform's `fetch`; it gets a `Request`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Endpoints of a provider, as absolute URLs: `https:`, or `http:` on loopback. */
export interface Endpoints {
  /** RFC 6749 section 3.1; a query in it is kept */
  authorization?: string;
  /** RFC 8628 section 3.1 */
  deviceAuthorization?: string;
  /** RFC 6749 section 3.2 */
  token?: string;
  /** RFC 7009 section 2 */
  revocation?: string;
  /** OpenID Connect Core section 5.3 */
  userinfo?: string;
}

/**
 * A store of the caller's own. Values are text and hold the tokens in clear: keep them as you would
 * keep a password. Every call may be asynchronous and must end; after 5 seconds it counts as failed.
 */
export interface AstropassStorage {
  /** The value under `key`; `null` or `undefined` if there is none. */
  get(key: string): Promise<string | null | undefined> | string | null | undefined;
  /** Stores `value` under `key`; once this resolves it must be there to stay. */
  set(key: string, value: string): Promise<void> | void;
  /** Removes `key`; it may be absent. */
  delete(key: string): Promise<void> | void;
}

/** What a person must do to approve a login (RFC 8628 section 3.3). */
export interface Prompt {
  /** The code to compare and, at `verificationUri`, to type. */
  userCode: string;
  /** Where to type it. */
  verificationUri: string;
  /** The same with the code filled in: for a link, a window or a QR code. */
  verificationUriComplete?: string;
  /** When the login must be approved by. */
  expiresAt: Date;
}

export interface LoginOptions {
  /** Called once, with what to show. */
  onPrompt: (prompt: Prompt) => void;
  /** Ends the login; until it was approved, an earlier session stays as it was. */
  signal?: AbortSignal;
}

/** How to sign in with the authorization code flow. */
export interface AuthorizationOptions {
  /**
   * Where the provider sends the browser back to: a URL of this page's origin, as it is registered
   * there, or a path. Default: this page, without query and fragment.
   */
  redirectUri?: string;
  /** Whom the provider shall expect, as an e-mail address (OpenID Connect Core section 3.1.2.1). */
  loginHint?: string;
  /** The organization to sign in to: `organization_id` of WorkOS, `organization` of others. */
  organization?: string;
  /** More parameters for the authorization endpoint, such as `prompt`. */
  parameters?: Readonly<Record<string, string>>;
}

export interface RedirectOptions extends AuthorizationOptions {
  /** Anything that {@link Astropass.handleRedirect} shall give back: the place to go on at, say. */
  returnTo?: string;
  /** Ends the login, up to where the page begins to go. */
  signal?: AbortSignal;
}

export interface PopupOptions extends AuthorizationOptions {
  /**
   * Ends the login, and closes the window where its pages have not cut themselves off; until then an
   * earlier session stays as it was.
   */
  signal?: AbortSignal;
}

/** How a redirect was handled. */
export interface RedirectResult {
  /** What the login was begun with. */
  returnTo?: string;
  /**
   * The login is another page's, which opened this window. The window is about to close, unless the
   * browser does not let it: then say that it can be closed.
   */
  popup?: true;
}

/** Who is signed in. The texts are the provider's. */
export interface User {
  id: string;
  email?: string;
  name?: string;
}

/** The session as this page knows it. A change makes a new object. */
export type AuthState = SignedIn | SignedOut;

export interface SignedIn {
  /** `sessionOver`: the server has ended it, or nothing renews it; only a login helps. */
  status: "signedIn" | "sessionOver";
  /** Absent where the provider names nobody. */
  user?: User;
  /** The organization that the session is for, where the provider has them. */
  organization?: string;
  /**
   * When the access token expires by the local clock, if that is known. Close to then the next call
   * of {@link Astropass.token} or {@link Astropass.fetch} renews it, and nothing else does.
   */
  expiresAt?: Date;
  /** `memory` also where a database was wanted and cannot be used: `problem` then says why. */
  storage: StorageKind;
  /** What last went wrong while nobody asked: not saved, not refreshed, no database. */
  problem?: AstropassProblem;
}

export interface SignedOut {
  /**
   * `sessionChanged`: another user or organization took the session's place, by another tab, worker
   * or object of this profile. This one does not take over: create a new one, or sign in.
   */
  status: "signedOut" | "sessionChanged";
  storage: StorageKind;
  problem?: AstropassProblem;
}

export type StorageKind = "indexeddb" | "memory" | "custom";

/** A failure that did not reach any caller. */
export interface AstropassProblem {
  /**
   * `notSaved`: the session's newest tokens are in this page only, and lost with it.
   * `storageUnavailable`: the session cannot be read at the moment, or is in memory only.
   */
  kind: "notSaved" | "refreshFailed" | "storageUnavailable";
  code: AstropassErrorCode;
  message: string;
}

/** How a sign-out went. */
export interface SignedOutResult {
  /** Whether the server confirmed it; `undefined` where it has no way to. */
  revoked?: boolean;
}

/** The same names as in Rust and on the command line. */
export type AstropassErrorCode =
  | "not_signed_in"
  | "session_over"
  | "session_changed"
  | "access_denied"
  | "login_expired"
  | "login_interrupted"
  | "invalid_callback"
  | "popup_blocked"
  | "popup_closed"
  | "server_error"
  | "server_unavailable"
  | "malformed_response"
  | "issuer_mismatch"
  | "invalid_id_token"
  | "missing_endpoint"
  | "invalid_url"
  | "invalid_profile_name"
  | "timeout"
  | "network"
  | "store_missing"
  | "store_locked"
  | "store_absent"
  | "store_unavailable"
  | "store_denied"
  | "store_too_large"
  | "store_corrupt"
  | "store_newer"
  | "store_io"
  | "store_busy"
  | "store_changed"
  | "misuse";
