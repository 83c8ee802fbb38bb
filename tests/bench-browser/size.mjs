// The size of everything that a page loads for `import { Astropass } from "astropass/url"`, and of
// what it loads in addition when somebody signs in. Exits with 1 where the first is above its bound:
//
//   node tests/bench-browser/size.mjs

import { pathToFileURL } from "node:url";
import { gzipped, scripts, wasm } from "./bundle.mjs";

export const KB = 1024;
const BOUND = 40 * KB;

/** Bytes after gzip -9: of the first download and its parts, of a login's, and of both. */
export async function ours() {
  const code = await scripts('export { Astropass } from "astropass/url";');
  const javascript = gzipped(code.first);
  const binary = gzipped(await wasm("astropass.wasm"));
  const login = gzipped(code.later) + gzipped(await wasm("astropass-login.wasm"));
  const first = javascript + binary;
  const met = first <= BOUND;
  return { javascript, wasm: binary, first, login, both: first + login, most: BOUND, met };
}

export const kilobytes = (bytes) => `${(bytes / KB).toFixed(2)} KB`;

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { javascript, wasm: binary, first, login, both, most, met } = await ours();
  const size = (bytes) => `${bytes} bytes, ${kilobytes(bytes)}`;
  console.log(`astropass/url, gzip -9, 1 KB = ${KB} bytes`);
  console.log(`  a page loads: ${size(first)} (JavaScript ${javascript}, wasm ${binary})`);
  console.log(`  a login loads in addition: ${size(login)}; both: ${size(both)}`);
  console.log(`  the bound of ${kilobytes(most)} for the page is ${met ? "met" : "missed"}`);
  if (!met) process.exitCode = 1;
}
