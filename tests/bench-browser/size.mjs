// The size of everything that a page loads for `import { Astropass } from "astropass/url"`, and
// what it may be. Exits with 1 above that:
//
//   node tests/bench-browser/size.mjs

import { pathToFileURL } from "node:url";
import { gzipped, script, wasm } from "./bundle.mjs";

export const KB = 1024;
const MOST = 40 * KB;

/** Bytes after gzip -9, of both parts and together. */
export async function ours() {
  const code = await script('export { Astropass } from "astropass/url";');
  const binary = await wasm();
  const parts = { javascript: gzipped(code), wasm: gzipped(binary) };
  const total = parts.javascript + parts.wasm;
  return { ...parts, total, most: MOST, met: total <= MOST };
}

export const kilobytes = (bytes) => `${(bytes / KB).toFixed(2)} KB`;

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { javascript, wasm: binary, total, met } = await ours();
  console.log(
    `astropass/url, gzip -9: ${total} bytes, ${kilobytes(total)} of at most ${kilobytes(MOST)}` +
      ` (JavaScript ${javascript}, wasm ${binary}; 1 KB = ${KB} bytes)`,
  );
  if (!met) process.exitCode = 1;
}
