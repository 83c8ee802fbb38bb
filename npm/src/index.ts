import init from "astropass-wasm";
import { Astropass as Core } from "./astropass.js";
import { compressed } from "./inlined.js";
import { load } from "./load.js";
import type { AstropassOptions } from "./types.js";

export { AstropassError } from "./errors.js";
export type * from "./types.js";

/** Unpacks the wasm that is in this module. */
async function unpack() {
  const bytes = Uint8Array.from(atob(compressed), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  await init({ module_or_path: await new Response(stream).arrayBuffer() });
}

export class Astropass extends Core {
  /**
   * The session as it is stored, or none. No request is sent.
   *
   * @throws {AstropassError} for options that cannot be used
   */
  static create(options: AstropassOptions): Promise<Astropass> {
    return this.start(options, () => load(unpack));
  }
}
