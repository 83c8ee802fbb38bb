// Speed in Chromium, of pages that are served on loopback and are not kept in any cache.

import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "../packaging/harness/chromium.mjs";
import { site } from "../packaging/harness/site.mjs";
import { bundled, wasm } from "./bundle.mjs";
import { libraries } from "./libraries.mjs";

const pages = join(dirname(fileURLToPath(import.meta.url)), "pages");
const COLD_LOADS = 21;
const HOT_RUNS = 15;
const HOT_RUN = 100; // milliseconds
// Cross-origin isolated pages have a clock of 5 µs instead of 100.
const HEADERS = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Per library: milliseconds of `hot` calls, and of `cold` ones with and without the page. */
export async function speed() {
  const ends = [];
  const t = { after: (end) => ends.unshift(end) };
  try {
    return await measured(t);
  } finally {
    for (const end of ends) await end();
  }
}

async function measured(t) {
  const browser = await launch();
  t.after(() => browser.close());
  const all = await libraries(t);
  const origin = await site(t, await folder(t, all), HEADERS);
  for (const library of all) {
    library.url = `${origin}/${library.name}.html?provider=${library.provider}`;
    library.context = await browser.newContext();
    const page = await library.context.newPage();
    await page.goto(library.url);
    await library.signIn(page);
    await page.close();
    library.cold = [];
  }
  // In turn, so that what else the machine does falls on all alike.
  for (let load = 0; load < COLD_LOADS; load += 1) {
    for (const library of all) library.cold.push(await cold(library));
  }
  for (const library of all) library.hot = await hot(library);
  return Object.fromEntries(all.map(({ name, hot, cold }) => [name, { hot, cold }]));
}

/** A folder with a page for each library. The first one also answers where a provider returns. */
async function folder(t, all) {
  const path = await mkdtemp(join(tmpdir(), "astropass-bench-"));
  t.after(() => rm(path, { recursive: true }));
  for (const name of ["astropass.wasm", "astropass-login.wasm"]) {
    await writeFile(join(path, name), await wasm(name));
  }
  for (const { name } of all) {
    const source = await readFile(join(pages, `${name}.js`), "utf8");
    const html = `<!doctype html><title>${name}</title>`;
    for (const file of await bundled(source, pages)) {
      await writeFile(join(path, file.isEntry ? `${name}.js` : file.name), file.contents);
    }
    await writeFile(
      join(path, `${name}.html`),
      `${html}<script type="module" src="/${name}.js"></script>`,
    );
  }
  await cp(join(path, "oidc-client-ts.html"), join(path, "index.html"));
  return path;
}

async function cold({ context, url }) {
  const page = await context.newPage();
  await page.goto(`${url}&cold`);
  const times = await page.evaluate(() => globalThis.bench.cold);
  await page.close();
  return times;
}

async function hot({ context, url }) {
  const page = await context.newPage();
  await page.goto(url);
  const runs = [HOT_RUNS, HOT_RUN];
  const times = await page.evaluate((runs) => globalThis.bench.hot(...runs), runs);
  await page.close();
  return times;
}
