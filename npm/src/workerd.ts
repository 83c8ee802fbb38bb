import init from "astropass-wasm";
// workerd compiles no wasm while it runs: it imports the module.
import module from "./astropass.wasm";
import { Astropass as Core } from "./astropass.js";
import { load } from "./load.js";
import type { AstropassOptions } from "./types.js";

export { AstropassError } from "./errors.js";
export type * from "./types.js";

export class Astropass extends Core {
  /**
   * The session as it is stored, or none. No request is sent.
   *
   * @throws {AstropassError} for options that cannot be used
   */
  static create(options: AstropassOptions): Promise<Astropass> {
    return this.start(options, () => load(() => init({ module_or_path: module })));
  }
}
