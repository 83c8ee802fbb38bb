import type { AstropassStorage } from "./types.js";

/** What the page offers to the wasm; see `Host` in `wasm/src/bindings.rs`. */
export interface Host {
  fetch: (request: Request) => Promise<Response>;
  storage: AstropassStorage | "indexeddb" | "memory";
  emit: (event: Event, error?: unknown) => void;
}

export type Event =
  | "signedIn"
  | "refreshed"
  | "notSaved"
  | "refreshFailed"
  | "sessionOver"
  | "signedOut";
