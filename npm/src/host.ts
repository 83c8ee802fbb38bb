import type { AstropassStorage } from "./types.js";

/** What the page offers to the wasm; see `Host` in `wasm/src/bindings.rs`. */
export interface Host {
  fetch: (request: Request) => Promise<Response>;
  storage: AstropassStorage | undefined;
  memory: AstropassStorage;
  locks: Pick<LockManager, "request">;
  emit: (event: Event, error?: unknown) => void;
}

export type Event =
  | "signedIn"
  | "refreshed"
  | "notSaved"
  | "refreshFailed"
  | "sessionOver"
  | "signedOut";

/** A storage that is gone with its page. */
export function memoryStorage(): AstropassStorage {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    delete: (key) => void values.delete(key),
  };
}

/** The browser's locks, which all tabs share; elsewhere, one program's own. */
export function locks(): Pick<LockManager, "request"> {
  return globalThis.navigator?.locks ?? { request };
}

const waiting = new Map<string, Promise<unknown>>();

/** As much of `LockManager.request()` as the wasm uses. */
async function request(
  name: string,
  { ifAvailable, signal }: LockOptions,
  callback: (lock: Lock | null) => unknown,
): Promise<unknown> {
  const before = waiting.get(name);
  if (before && ifAvailable) return callback(null);
  const granted = (async () => {
    await before;
    signal?.throwIfAborted();
    return callback({ name, mode: "exclusive" });
  })();
  const done = granted.catch(() => {});
  waiting.set(name, done);
  void done.then(() => {
    if (waiting.get(name) === done) waiting.delete(name);
  });
  return granted;
}
