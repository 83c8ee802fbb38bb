// Builds the package from the crate astropass-wasm and the TypeScript beside this file: `dist/`, and
// the tarball `target/npm/astropass-VERSION.tgz`. Needs wasm-pack and wasm-bindgen on the PATH, and a
// Rust toolchain for wasm32 (`make setup` installs them).

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { shrink } from "./shrink.mjs";

const npm = fileURLToPath(new URL(".", import.meta.url));
const root = join(npm, "..");
const dist = join(npm, "dist");
const target = join(root, "target");
const bound = join(target, "npm", "wasm");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

compile();
const wasm = shrink(readFileSync(join(bound, "astropass_wasm_bg.wasm")));
writeFileSync(join(dist, "astropass.wasm"), wasm);
const sha256 = createHash("sha256").update(wasm).digest("hex");
writeFileSync(join(dist, "astropass.wasm.sha256"), `${sha256}  astropass.wasm\n`);
await bundle(gzipSync(wasm, { level: 9 }).toString("base64"));
run(join(npm, "node_modules", ".bin", "tsc"), ["--project", "tsconfig.dist.json"]);
const tarball = pack();
console.log(`${tarball}\nastropass.wasm: ${wasm.length} bytes, sha256 ${sha256}`);

/** The crate, and wasm-bindgen's JavaScript for it. */
function compile() {
  const toolchain = join(target, "wasm32-toolchain");
  const name = existsSync(toolchain) ? readFileSync(toolchain, "utf8").trim().slice(1) : "";
  // Panics name source files: without this the hash would depend on where crates are kept.
  const cargo = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  run(
    "wasm-pack",
    ["build", "wasm", "--mode", "no-install", "--target", "web", "--profile", "wasm"].concat(
      ["--no-typescript", "--no-pack", "--no-opt", "--out-dir", bound],
      ["--", "--locked", "--target-dir", join(target, "wasm32")],
    ),
    {
      RUSTFLAGS: `--remap-path-prefix=${cargo}=/cargo --remap-path-prefix=${root}=/astropass`,
      ...(name && { RUSTUP_TOOLCHAIN: name }),
    },
  );
}

/** @param {string} compressed the wasm for `index.ts` to unpack */
async function bundle(compressed) {
  // The errors are an entry so that who needs only them gets nothing else.
  const entries = ["index.ts", "url.ts", "workerd.ts", "react.tsx", "errors.ts"];
  await esbuild.build({
    entryPoints: entries.map((entry) => join(npm, "src", entry)),
    outdir: dist,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    chunkNames: "chunk-[hash]",
    external: ["react", "react/jsx-runtime", "./astropass.wasm"],
    alias: { "astropass-wasm": join(bound, "astropass_wasm.js") },
    plugins: [
      {
        name: "inlined",
        setup(build) {
          build.onResolve({ filter: /\/inlined\.js$/ }, () => ({ path: "inlined", namespace: "made" }));
          build.onLoad({ filter: /.*/, namespace: "made" }, () => ({
            contents: `export const compressed = ${JSON.stringify(compressed)};`,
          }));
        },
      },
    ],
  });
}

function pack() {
  for (const license of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    cpSync(join(root, license), join(npm, license));
  }
  const folder = join(target, "npm");
  const output = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: npm,
    encoding: "utf8",
  });
  return join(folder, output.trim());
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function run(command, args, env) {
  const cwd = command === "wasm-pack" ? root : npm;
  execFileSync(command, args, { cwd, stdio: "inherit", env: { ...process.env, ...env } });
}
