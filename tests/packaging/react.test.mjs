// astropass/react on a server, and twice in the page as StrictMode has it.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { resultOf } from "./harness/page.mjs";
import { command, project } from "./harness/project.mjs";
import { server } from "./harness/server.mjs";
import { site } from "./harness/site.mjs";

const REACT = ["react", "react-dom", "scheduler"];

test("rendered on a server it is loading, and starts nothing", async (t) => {
  const folder = await project(t, ["react-server.js"], REACT);
  const told = JSON.parse(await command(folder, process.execPath, ["react-server.js"]));
  assert.deepEqual(told, { html: "<p>loading</p>", created: 0 });
});

test("under StrictMode one instance lives, and what it does is shown", async (t) => {
  const { created, ...found } = await resultOf(await page(t, "react-page.js"));
  assert.ok(created >= 1);
  assert.deepEqual(found, {
    shown: ["loading", "signedOut", "signedIn ada@example.com", "signedOut"],
    effects: 4,
    aliveMounted: 1,
    failed: ["loading", "failed invalid_url"],
  });
});

test("under StrictMode a redirect login is finished once, and tells where to go on", async (t) => {
  const url = await page(t, "react-redirect.js");
  assert.deepEqual(await resultOf(url), {
    shown: ["loading", "signedIn ada@example.com"],
    results: [{ returnTo: "/projects" }],
    search: new URL(url).search,
  });
});

/** Where `script` runs, with a server to sign in at. */
async function page(t, script) {
  const folder = await project(t, [script], REACT);
  await build({
    absWorkingDir: folder,
    entryPoints: [script],
    outdir: "out",
    bundle: true,
    format: "esm",
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "error",
  });
  const html = `<!doctype html><div id="root"></div><script type="module" src="./${script}">`;
  await writeFile(join(folder, "out/index.html"), `${html}</script>`);
  const provider = await server(t);
  return `${await site(t, join(folder, "out"))}/?server=${provider.url}`;
}
