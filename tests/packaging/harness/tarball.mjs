// Where things are in the package, by its own `exports` map.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

export const packageOf = (project) => join(project, "node_modules/astropass");

/** The manifest of the package that is installed there. */
export async function manifest(project) {
  return JSON.parse(await readFile(join(packageOf(project), "package.json"), "utf8"));
}

/** The file that a page gets for a subpath of the package, such as `./url`. */
export async function entry(project, subpath) {
  let target = (await manifest(project)).exports[subpath];
  while (typeof target !== "string") target = target.browser ?? target.import ?? target.default;
  return join(packageOf(project), target);
}

/** The separate files of wasm: what every page loads, and what a login does. */
export const WASM = ["astropass.wasm", "astropass-login.wasm"];

/** Where one of them is. */
export const wasmPath = (project, name) => entry(project, `./${name}`);
