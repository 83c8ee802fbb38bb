// The size of everything that a page loads for `import { Astropass } from "astropass/url"`. Exits
// with 1 where it has grown beyond what was reached:
//
//   node tests/bench-browser/size.mjs

import { pathToFileURL } from "node:url";
import { gzipped, script, wasm } from "./bundle.mjs";

export const KB = 1024;
/** What it is to be; the benchmark fails above it. */
const BOUND = 40 * KB;
/** What was reached, and what every change is held to until the bound is met. It only goes down. */
const REACHED = 50 * KB;

/** Bytes after gzip -9, of both parts and together. */
export async function ours() {
  const code = await script('export { Astropass } from "astropass/url";');
  const binary = await wasm();
  const parts = { javascript: gzipped(code), wasm: gzipped(binary) };
  const total = parts.javascript + parts.wasm;
  return { ...parts, total, most: BOUND, met: total <= BOUND };
}

export const kilobytes = (bytes) => `${(bytes / KB).toFixed(2)} KB`;

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { javascript, wasm: binary, total, met } = await ours();
  console.log(
    `astropass/url, gzip -9: ${total} bytes, ${kilobytes(total)}` +
      ` (JavaScript ${javascript}, wasm ${binary}; 1 KB = ${KB} bytes).` +
      ` The bound of ${kilobytes(BOUND)} is ${met ? "met" : "missed"}; reached: ${kilobytes(REACHED)}.`,
  );
  if (total > REACHED) process.exitCode = 1;
}
