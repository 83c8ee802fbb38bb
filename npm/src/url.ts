import init from "astropass-wasm";
import { Astropass as Core } from "./astropass.js";
import { load } from "./load.js";
import type { AstropassOptions } from "./types.js";

export { AstropassError } from "./errors.js";
export type * from "./types.js";

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
    const url = options.wasm ?? new URL("./astropass.wasm", import.meta.url);
    return this.start(options, () => load(async () => init({ module_or_path: await fetch(url) })));
  }
}
