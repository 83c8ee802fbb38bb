import init, { Session } from "astropass-wasm";
import { Astropass as Core } from "./astropass.js";
import type { AstropassOptions } from "./types.js";

export { AstropassError } from "./errors.js";
export type * from "./types.js";

let loading: Promise<typeof Session> | undefined;

/** Fetches the wasm, once; after a failure once more. */
function load(wasm: string | URL | undefined): Promise<typeof Session> {
  loading ??= (async () => {
    try {
      const url = wasm ?? new URL("./astropass.wasm", import.meta.url);
      await init({ module_or_path: fetch(url) });
      return Session;
    } catch (error) {
      loading = undefined;
      throw error;
    }
  })();
  return loading;
}

export interface UrlOptions extends AstropassOptions {
  /** Where `astropass.wasm` is served. Default: beside this module. */
  wasm?: string | URL;
}

export class Astropass extends Core {
  /**
   * The session as it is stored, or none. No request is sent but for the wasm.
   *
   * @throws {AstropassError} for options that cannot be used
   */
  static create(options: UrlOptions): Promise<Astropass> {
    return this.start(options, () => load(options.wasm));
  }
}
