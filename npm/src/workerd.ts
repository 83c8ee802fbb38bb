import init, { Session } from "astropass-wasm";
// workerd compiles no wasm while it runs: it imports the module.
import module from "./astropass.wasm";
import { Astropass as Core } from "./astropass.js";
import type { AstropassOptions } from "./types.js";

export { AstropassError } from "./errors.js";
export type * from "./types.js";

let loading: Promise<unknown> | undefined;

export class Astropass extends Core {
  /**
   * The session as it is stored, or none. No request is sent.
   *
   * @throws {AstropassError} for options that cannot be used
   */
  static create(options: AstropassOptions): Promise<Astropass> {
    return this.start(options, async () => {
      await (loading ??= init({ module_or_path: module }));
      return Session;
    });
  }
}
