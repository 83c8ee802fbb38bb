// Builds the wasm once more, from a copy of the sources in another folder and from nothing, and
// compares it with the one in `dist/`.

import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "./compile.mjs";
import { hashes } from "./hashes.mjs";

const npm = fileURLToPath(new URL(".", import.meta.url));
const root = join(npm, "..");
const copy = realpathSync(mkdtempSync(join(tmpdir(), "astropass-reproducible-")));
try {
  const [manifest] = /members = \[.*?\]/s.exec(readFileSync(join(root, "Cargo.toml"), "utf8")) ?? [""];
  const members = [...manifest.matchAll(/"(.*?)"/g)].map(([, member]) => member);
  const toolchain = join("target", "wasm32-toolchain");
  for (const source of ["Cargo.toml", "Cargo.lock", toolchain, ...members]) {
    if (!existsSync(join(root, source))) continue;
    const filter = (path) => !/\/(node_modules|target)$/.test(path) || path.endsWith(toolchain);
    cpSync(join(root, source), join(copy, source), { recursive: true, filter });
  }
  const named = readFileSync(join(npm, "dist", "astropass.wasm.sha256"), "utf8");
  const again = hashes(compile(copy, join(copy, "bound")));
  if (again !== named) {
    console.error(`two builds differ: the package names\n${named}a second build has\n${again}`);
    process.exitCode = 1;
  } else {
    console.log(`a second build has the hashes that the package names:\n${named.trimEnd()}`);
  }
} finally {
  rmSync(copy, { recursive: true });
}
