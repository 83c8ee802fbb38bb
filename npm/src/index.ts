import { Astropass as Core } from "./astropass.js";
import login from "./astropass-login.wasm?inlined";
import first from "./astropass.wasm?inlined";
import { Logins } from "./login.js";
import type { AstropassOptions } from "./types.js";

export { AstropassError } from "./errors.js";
export type * from "./types.js";

/** Unpacks wasm that is in this module. */
async function unpacked(compressed: string) {
  const bytes = Uint8Array.from(atob(compressed), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

// Both are here: a bundler that makes one file, as for a worker, takes no `import()` without being told.
const modules = {
  first: () => unpacked(first),
  login: () => unpacked(login),
  code: async () => ({ Logins }),
};

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
