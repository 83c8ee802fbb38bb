// The tarball outside of browsers: Node.js, Deno, Bun and workerd.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { assertBothLogins } from "./harness/expect.mjs";
import { program } from "./harness/paths.mjs";
import { command, project } from "./harness/project.mjs";
import { firstLine, server } from "./harness/server.mjs";

const RUNTIMES = {
  "Node.js": [process.execPath],
  Deno: [program("@deno", "deno"), "run", "--allow-net=127.0.0.1", "--cached-only"],
  Bun: [program("@oven", "bin/bun"), "--no-install"],
};

/** By redirect, in a popup, and an answer to one of them. */
const MISUSE = ["misuse", "misuse", "misuse"];

for (const [name, [path, ...args]] of Object.entries(RUNTIMES)) {
  test(`${name}, which also ends by itself`, async (t) => {
    const folder = await project(t, ["main.js", "whole-login.js"]);
    const provider = await server(t);
    const told = await command(folder, path, [...args, "main.js", provider.url]);
    const { memory, own, left, elsewhere, problem } = JSON.parse(told);
    await assertBothLogins(provider, memory, own);
    assert.deepEqual(elsewhere, MISUSE);
    assert.equal(left, 0, "a signed-out session leaves nothing in the caller's store");
    assert.equal(problem, "the credential store does not answer: no indexedDB here, so give a storage");
  });
}

test("workerd, bundled as its own tools do", async (t) => {
  const folder = await project(t, ["worker.js", "whole-login.js"]);
  await build({
    absWorkingDir: folder,
    entryPoints: ["worker.js"],
    outdir: "out",
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    logLevel: "error",
  });
  const origin = await workerd(t, join(folder, "out"));
  const provider = await server(t);
  const answer = await fetch(`${origin}/?server=${provider.url}`);
  assert.equal(answer.status, 200, await answer.clone().text());
  const { memory, elsewhere } = await answer.json();
  await assertBothLogins(provider, memory);
  assert.deepEqual(elsewhere, MISUSE);
});

/** Serves `worker.js` of that folder, and the modules beside it. */
async function workerd(t, folder) {
  const files = (await readdir(folder)).filter((file) => file !== "worker.js");
  assert.deepEqual(files.filter((file) => !file.endsWith(".wasm")), []);
  assert.equal(files.length, 2, "the condition workerd imports the wasm as modules");
  const modules = files.map((file) => `(name = "${file}", wasm = embed "${file}"),`);
  const config = `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [
        (name = "main", worker = (
          modules = [
            (name = "worker.js", esModule = embed "worker.js"),
            ${modules.join("\n            ")}
          ],
          compatibilityDate = "2026-01-01",
          globalOutbound = "loopback",
        )),
        (name = "loopback", network = (allow = ["local"])),
      ],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
    );`;
  await writeFile(join(folder, "config.capnp"), config);
  const path = program("@cloudflare", "bin/workerd");
  const child = spawn(path, ["serve", "config.capnp", "--control-fd=1"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(async () => {
    const ended = once(child, "exit");
    if (child.kill()) await ended;
  });
  const { port } = JSON.parse(await firstLine(child));
  return `http://127.0.0.1:${port}`;
}
