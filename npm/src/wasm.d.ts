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

  export class Session {
    static open(options: object, host: object): Session;
    start(thorough: boolean): Promise<unknown>;
    cached(): string | undefined;
    token(rejected?: string): Promise<string>;
    credentials(): Promise<{
      user?: { id: string; email?: string; name?: string };
      organization?: string;
      expiresAt?: number;
    }>;
    login(show: (prompt: Shown) => void, abandoned: Promise<unknown>): Promise<void>;
    logout(): Promise<boolean | undefined>;
    switchOrganization(organization: string): Promise<void>;
    free(): void;
  }
}
