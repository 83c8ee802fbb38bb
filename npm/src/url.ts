import { Astropass as Core } from "./astropass.js";
import { AstropassError } from "./errors.js";
import type { AstropassOptions } from "./types.js";

export { AstropassError };
export type * from "./types.js";

export interface UrlOptions extends AstropassOptions {
  /** Where `astropass.wasm` is served. Default: beside this module. */
  wasm?: string | URL;
  /** Where `astropass-login.wasm` is served, which a login loads. Default: beside this module. */
  loginWasm?: string | URL;
}

/** How long to wait for a file, in milliseconds. */
const DEADLINE = 30_000;

export class Astropass extends Core {
  /**
   * The session as it is stored, or none. No request is sent but for the wasm.
   *
   * @throws {AstropassError} for options that cannot be used; `network` if the wasm is not there
   */
  static create(options: UrlOptions): Promise<Astropass> {
    const first = options.wasm ?? new URL("./astropass.wasm", import.meta.url);
    const login = options.loginWasm ?? new URL("./astropass-login.wasm", import.meta.url);
    return this.start(options, {
      first: () => served(first),
      login: () => served(login),
      code: () => import("./login.js").catch((error) => lost("login.js", error)),
    });
  }
}

async function served(url: string | URL) {
  let why;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE) });
    const type = response.headers.get("content-type");
    // Many a server answers with its start page where there is no file.
    if (response.ok && !type?.includes("html")) return await response.arrayBuffer();
    why = Error(`HTTP ${response.status}, ${type}`);
  } catch (error) {
    why = error as Error;
  }
  return lost(url, why);
}

function lost(url: string | URL, { message }: Error): never {
  throw new AstropassError("network", `${url} cannot be loaded: ${message}`);
}
