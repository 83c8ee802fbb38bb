// Builds the package from the crate astropass-wasm and the TypeScript beside this file: `dist/`, and
// the tarball `target/npm/astropass-VERSION.tgz`. Needs wasm-pack and wasm-bindgen on the PATH, and a
// Rust toolchain for wasm32 (`make setup` installs them).

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { compile } from "./compile.mjs";
import { hashes } from "./hashes.mjs";

const npm = fileURLToPath(new URL(".", import.meta.url));
const root = join(npm, "..");
const dist = join(npm, "dist");
const packed = join(root, "target", "npm");
const bound = join(packed, "wasm");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

const modules = compile(root, bound);
for (const [name, wasm] of Object.entries(modules)) writeFileSync(join(dist, name), wasm);
writeFileSync(join(dist, "astropass.wasm.sha256"), hashes(modules));
await bundle(modules);
const tsc = join(npm, "node_modules", ".bin", "tsc");
execFileSync(tsc, ["--project", "tsconfig.dist.json"], { cwd: npm, stdio: "inherit" });
const tarball = pack();
console.log(`${tarball}\n${hashes(modules).trimEnd()}`);

/** @param {Record<string, Uint8Array>} modules for `index.ts` to unpack */
async function bundle(modules) {
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
    external: ["react", "react/jsx-runtime", ...Object.keys(modules).map((name) => `./${name}`)],
    alias: { "astropass-wasm": join(bound, "astropass_wasm.js") },
    plugins: [
      {
        name: "inlined",
        setup(build) {
          build.onResolve({ filter: /\.wasm\?inlined$/ }, ({ path }) => ({ path, namespace: "inlined" }));
          build.onLoad({ filter: /.*/, namespace: "inlined" }, ({ path }) => {
            const wasm = modules[basename(path, "?inlined")];
            const text = gzipSync(wasm, { level: 9 }).toString("base64");
            return { contents: `export default ${JSON.stringify(text)};` };
          });
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
