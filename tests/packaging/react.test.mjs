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
  const folder = await project(t, ["react-page.js"], REACT);
  await build({
    absWorkingDir: folder,
    entryPoints: ["react-page.js"],
    outdir: "out",
    bundle: true,
    format: "esm",
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "error",
  });
  const html = '<!doctype html><div id="root"></div><script type="module" src="./react-page.js">';
  await writeFile(join(folder, "out/index.html"), `${html}</script>`);
  const provider = await server(t);
  const page = `${await site(t, join(folder, "out"))}/?server=${provider.url}`;
  const { created, ...found } = await resultOf(page);
  assert.ok(created >= 1);
  assert.deepEqual(found, {
    shown: ["loading", "signedOut", "signedIn ada@example.com", "signedOut"],
    effects: 4,
    aliveMounted: 1,
    failed: ["loading", "failed invalid_url"],
  });
});
