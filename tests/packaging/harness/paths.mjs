// What is tested, and with what: both are built before the tests run.

import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const here = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const root = resolve(here, "../..");
const target = resolve(root, process.env.CARGO_TARGET_DIR ?? "target");

/** The packed package: the only one in $ASTROPASS_PACKED, or where `make` leaves it. */
export function tarball() {
  const folder = resolve(process.env.ASTROPASS_PACKED ?? join(root, "target/npm"));
  const found = readdirSync(built(folder)).filter((name) => name.endsWith(".tgz"));
  if (found.length !== 1) throw new Error(`${found.length} tarballs in ${folder}, not one`);
  return join(folder, found[0]);
}

/** The embedded authorization server (tests/SERVER.md). */
export function serverProgram() {
  return built(process.env.ASTROPASS_SERVER ?? join(target, "debug/astropass-server"));
}

export const example = join(root, "examples/node");

/** A package of this folder's node_modules. */
export function installed(name) {
  return join(here, "node_modules", name);
}

/** A program that npm brings as a package for this platform, the only one in `scope`. */
export function program(scope, path) {
  const [platform] = readdirSync(installed(scope));
  return built(join(installed(scope), platform, path));
}

function built(path) {
  if (!existsSync(path)) throw new Error(`${path} is not there: build it first`);
  return path;
}
