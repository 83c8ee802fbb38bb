// The tarball in fresh projects of every bundler: built without configuration, run in Chromium.

import assert from "node:assert/strict";
import { cp, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createServer } from "vite";
import { bundlers } from "./harness/bundle.mjs";
import { assertBothLogins } from "./harness/expect.mjs";
import { resultOf } from "./harness/page.mjs";
import { project } from "./harness/project.mjs";
import { server } from "./harness/server.mjs";
import { site } from "./harness/site.mjs";
import { WASM, wasmPath } from "./harness/tarball.mjs";

// The most that a bundle may have, in bytes, that uses nothing but the error class.
const ERROR_ONLY = 2000;

// These do not copy a file that `new URL(…, import.meta.url)` names: whoever builds does.
const COPIES_NOTHING = ["esbuild", "rollup"];

for (const [name, bundle] of Object.entries(bundlers)) {
  test(`${name}: astropass`, async (t) => {
    await signsIn(t, await built(t, bundle, "page"), "page");
  });

  test(`${name}: astropass/url`, async (t) => {
    const out = await built(t, bundle, "page-url");
    if (COPIES_NOTHING.includes(name)) {
      const copies = WASM.map(async (file) => cp(await wasmPath(join(out, ".."), file), join(out, file)));
      await Promise.all(copies);
    }
    await signsIn(t, out, "page-url");
  });

  test(`${name}: leaves the wasm out where only AstropassError is used`, async (t) => {
    const out = await built(t, bundle, "error-only");
    const files = await readdir(out, { recursive: true });
    assert.deepEqual(files.filter((file) => file.endsWith(".wasm")), []);
    const scripts = files.filter((file) => file.endsWith(".js"));
    const texts = await Promise.all(scripts.map((file) => readFile(join(out, file), "utf8")));
    const text = texts.join("");
    assert.ok(text.length < ERROR_ONLY, `${text.length} bytes`);
    assert.doesNotMatch(text, /WebAssembly|DecompressionStream/);
    assert.equal(await resultOf(`${await site(t, out)}/error-only.html`), "function");
  });
}

test("vite: the development server", async (t) => {
  const folder = await project(t, ["page.html", "page.js", "whole-login.js"]);
  const dev = await createServer({
    root: folder,
    configFile: false,
    logLevel: "error",
    server: { host: "127.0.0.1", port: 0, hmr: false },
  });
  t.after(() => dev.close());
  await dev.listen();
  const { port } = dev.httpServer.address();
  const provider = await server(t);
  const page = `http://127.0.0.1:${port}/page.html?server=${provider.url}`;
  await assertBothLogins(provider, await resultOf(page));
});

/** The folder of the bundle, with its page. */
async function built(t, bundle, entry) {
  const folder = await project(t, [`${entry}.html`, `${entry}.js`, "whole-login.js"]);
  await bundle(folder, entry);
  const out = join(folder, "out");
  // Vite has made a page of its own, which names its own files.
  await cp(join(folder, `${entry}.html`), join(out, `${entry}.html`), { force: false });
  return out;
}

async function signsIn(t, out, entry) {
  const provider = await server(t);
  const page = `${await site(t, out)}/${entry}.html?server=${provider.url}`;
  await assertBothLogins(provider, await resultOf(page));
}
