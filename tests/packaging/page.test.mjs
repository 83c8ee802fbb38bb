// Pages without a bundler, and under a Content-Security-Policy.

import assert from "node:assert/strict";
import { rename, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";
import { bundlers } from "./harness/bundle.mjs";
import { assertBothLogins } from "./harness/expect.mjs";
import { resultOf } from "./harness/page.mjs";
import { project } from "./harness/project.mjs";
import { server } from "./harness/server.mjs";
import { site } from "./harness/site.mjs";
import { WASM, entry, wasmPath } from "./harness/tarball.mjs";

test("a module script with an import map", async (t) => {
  const folder = await project(t, ["page.js", "whole-login.js"]);
  await signsIn(t, folder, "page", { astropass: await entry(folder, ".") });
});

test("a module script with an import map: astropass/url", async (t) => {
  const folder = await project(t, ["page-url.js", "whole-login.js"]);
  await signsIn(t, folder, "page-url", { "astropass/url": await entry(folder, "./url") });
});

test("astropass/url takes the wasm from where it is told", async (t) => {
  const folder = await project(t, ["page-url.js", "whole-login.js"]);
  for (const name of WASM) await rename(await wasmPath(folder, name), join(folder, `my-${name}`));
  const imports = { "astropass/url": await entry(folder, "./url") };
  const query = "&wasm=/my-astropass.wasm&loginWasm=/my-astropass-login.wasm";
  await signsIn(t, folder, "page-url", imports, query);
});

async function signsIn(t, folder, script, entries, query = "") {
  const addresses = Object.entries(entries).map(([name, file]) => [
    name,
    `./${relative(folder, file)}`,
  ]);
  const map = JSON.stringify({ imports: Object.fromEntries(addresses) });
  const html = `<!doctype html>
    <script type="importmap">${map}</script>
    <script type="module" src="./${script}.js"></script>`;
  await writeFile(join(folder, "index.html"), html);
  const provider = await server(t);
  const page = `${await site(t, folder)}/?server=${provider.url}${query}`;
  await assertBothLogins(provider, await resultOf(page));
}

test("a strict Content-Security-Policy with 'wasm-unsafe-eval'", async (t) => {
  const provider = await server(t);
  const page = await strictPage(t, provider, "'self' 'wasm-unsafe-eval'");
  await assertBothLogins(provider, await resultOf(page));
});

test("without 'wasm-unsafe-eval' create fails, and at once", async (t) => {
  const page = await strictPage(t, await server(t), "'self'");
  await assert.rejects(resultOf(page), /WebAssembly|wasm/i);
});

async function strictPage(t, provider, scripts) {
  const policy = [
    "default-src 'none'",
    `script-src ${scripts}`,
    `connect-src ${provider.url}`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  const folder = await project(t, ["page.js", "whole-login.js"]);
  await bundlers.esbuild(folder, "page");
  const html = '<!doctype html><script type="module" src="./page.js"></script>';
  await writeFile(join(folder, "out/index.html"), html);
  const origin = await site(t, join(folder, "out"), { "content-security-policy": policy });
  return `${origin}/?server=${provider.url}`;
}
