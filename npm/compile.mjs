import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { dataOf, withData } from "./data.mjs";
import { trimmed } from "./glue.mjs";
import { shortenNames } from "./names.mjs";
import { withoutPanics } from "./panics.mjs";
import { withoutData } from "./sections.mjs";
import { optimize } from "./shrink.mjs";
import { loginSlots, split } from "./split.mjs";

/**
 * Compiles the crate `wasm` of the checkout at `root`; the same sources and the same toolchain give
 * the same bytes, wherever they are.
 *
 * @param {string} root
 * @param {string} output a folder for wasm-bindgen's JavaScript, `astropass_wasm.js`
 * @returns {Record<string, Uint8Array>} the files of wasm: what every page loads, and what a login
 *   does
 */
export function compile(root, output) {
  const toolchain = join(root, "target", "wasm32-toolchain");
  const name = existsSync(toolchain) ? readFileSync(toolchain, "utf8").trim().slice(1) : "";
  // Panics name source files, by paths that differ from machine to machine.
  const cargo = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const flags = [`--remap-path-prefix=${cargo}=/cargo`, `--remap-path-prefix=${root}=/astropass`];
  // Each constant by itself, for `data.mjs`.
  flags.push("-Clink-arg=--no-merge-data-segments");
  const args = ["build", "wasm", "--target", "web", "--profile", "wasm", "--mode", "no-install"];
  args.push("--no-typescript", "--no-pack", "--no-opt", "--out-dir", output);
  args.push("--", "--locked", "--target-dir", join(root, "target", "wasm32"));
  const env = { ...process.env, RUSTFLAGS: flags.join(" ") };
  if (name) env.RUSTUP_TOOLCHAIN = name;
  execFileSync("wasm-pack", args, { cwd: root, stdio: "inherit", env });

  const bound = readFileSync(join(output, "astropass_wasm_bg.wasm"));
  const code = withoutData(bound);
  const parts = split(optimize(withoutPanics(code), true), loginSlots(code));
  const { first, login } = withData(
    { first: optimize(parts.first, false), login: optimize(parts.login, false) },
    dataOf(bound),
  );
  const glue = join(output, "astropass_wasm.js");
  const modules = { "astropass.wasm": first, "astropass-login.wasm": login };
  const named = shortenNames(modules, trimmed(readFileSync(glue, "utf8"), bound));
  writeFileSync(glue, named.javascript);
  return named.modules;
}
