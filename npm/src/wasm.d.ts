/** The exports of the crate `astropass-wasm`; `wasm/src/session.rs` says what they do. */
declare module "astropass-wasm" {
  export default function init(module: {
    module_or_path: WebAssembly.Module | Response | Promise<Response> | BufferSource;
  }): Promise<unknown>;

  /** A prompt with the seconds that are left. */
  export interface Shown {
    userCode: string;
    verificationUri: string;
    verificationUriComplete?: string;
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
    }>;
    login(show: (prompt: Shown) => void): Task<Task<void>>;
    beginRedirect(asked: object): Task<string>;
    finishRedirect(callback: string): Task<{ returnTo?: string } | undefined>;
    loginWithPopup(
      asked: object,
      open: (url: string, millis: number) => Promise<string | undefined>,
    ): Task<Task<void>>;
    logout(): Task<boolean | undefined>;
    switchOrganization(organization: string): Task<void>;
    free(): void;
  }
}
