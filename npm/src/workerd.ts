import { Astropass as Core } from "./astropass.js";
// workerd compiles no wasm while it runs: it imports the modules.
import login from "./astropass-login.wasm";
import first from "./astropass.wasm";
import { Logins } from "./login.js";
import type { AstropassOptions } from "./types.js";

export { AstropassError } from "./errors.js";
export type * from "./types.js";

const modules = { first: async () => first, login: async () => login, code: async () => ({ Logins }) };

export class Astropass extends Core {
  /**
   * The session as it is stored, or none. No request is sent.
   *
   * @throws {AstropassError} for options that cannot be used
   */
  static create(options: AstropassOptions): Promise<Astropass> {
    return this.start(options, modules);
  }
}
