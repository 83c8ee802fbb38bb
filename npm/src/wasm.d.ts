/**
 * The exports of the crate `astropass-wasm`; `wasm/src/session.rs` says what they do, and
 * `split.mjs` which of them are in the second module.
 */
declare module "astropass-wasm" {
  /** What both modules import, but for what the second takes from the first. */
  export function imports(): WebAssembly.Imports;
  /** Takes the exports of the first module. */
  export function start(exports: WebAssembly.Exports): void;
  /** Takes those of the second one. */
  export function extend(exports: WebAssembly.Exports): void;

  /** A prompt with the seconds that are left. */
  export interface Shown {
    userCode: string;
    verificationUri: string;
    verificationUriComplete?: string;
    expiresIn: number;
  }

  /** Where to send a window, and how many seconds it has. */
  export interface Visit {
    url: string;
    expiresIn: number;
  }

  /** Work under way, for `task.ts` to do. */
  export class Task<T> {
    /** The next promise to wait for, or what the work gave. */
    poll(settled: unknown, failed: boolean): T | Promise<unknown>;
    free(): void;
  }

  export class Session {
    static open(options: object, host: object): Session;
    start(thorough: boolean): Task<unknown>;
    cached(): string | undefined;
    token(rejected?: string): Task<string>;
    credentials(): Task<{
      user?: { id: string; email?: string; name?: string };
      organization?: string;
      expiresAt?: number;
      revision: string;
      over?: true;
    }>;
    login(show: (prompt: Shown) => void): Task<Task<void>>;
    beginRedirect(asked: object): Task<string>;
    finishRedirect(callback: string): Task<{ returnTo?: string } | undefined>;
    loginWithPopup(
      asked: object,
      visit: (asked: Visit) => void,
      answer: Promise<string | undefined>,
    ): Task<Task<void>>;
    logout(): Task<boolean | undefined>;
    switchOrganization(organization: string): Task<void>;
    free(): void;
  }
}
