// Builds the package from the crate astropass-wasm and the TypeScript beside this file: `dist/`, and
// the tarball `target/npm/astropass-VERSION.tgz`. Needs wasm-pack and wasm-bindgen on the PATH, and a
// Rust toolchain for wasm32 (`make setup` installs them).

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { compile } from "./compile.mjs";

const npm = fileURLToPath(new URL(".", import.meta.url));
const root = join(npm, "..");
const dist = join(npm, "dist");
const packed = join(root, "target", "npm");
const bound = join(packed, "wasm");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

const wasm = compile(root, bound);
writeFileSync(join(dist, "astropass.wasm"), wasm);
const sha256 = createHash("sha256").update(wasm).digest("hex");
writeFileSync(join(dist, "astropass.wasm.sha256"), `${sha256}  astropass.wasm\n`);
await bundle(gzipSync(wasm, { level: 9 }).toString("base64"));
const tsc = join(npm, "node_modules", ".bin", "tsc");
execFileSync(tsc, ["--project", "tsconfig.dist.json"], { cwd: npm, stdio: "inherit" });
const tarball = pack();
console.log(`${tarball}\nastropass.wasm: ${wasm.length} bytes, sha256 ${sha256}`);

/** @param {string} compressed the wasm for `index.ts` to unpack */
async function bundle(compressed) {
  // The errors are an entry so that who needs only them gets nothing else.
  const entries = ["index.ts", "url.ts", "workerd.ts", "react.tsx", "popup.ts", "errors.ts"];
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
  const output = execFileSync("npm", ["pack", "--silent", "--pack-destination", packed], {
    cwd: npm,
    encoding: "utf8",
  });
  return join(packed, output.trim());
}
