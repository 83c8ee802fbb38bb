// examples/node with the tarball instead of the checkout's package.

import assert from "node:assert/strict";
import { cp, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { example } from "./harness/paths.mjs";
import { command, install, temporary } from "./harness/project.mjs";
import { server } from "./harness/server.mjs";

test("examples/node signs in, keeps the session in a file, and signs out", async (t) => {
  const folder = await temporary(t);
  const filter = (path) => !path.includes("node_modules");
  await cp(example, folder, { recursive: true, filter });
  await install(folder);
  const provider = await server(t);
  const { url } = provider;
  const options = ["--client-id=client_test", `--server=${url}`, `--issuer=${url}`];
  const start = (...more) => {
    return command(folder, "npm", ["start", "--silent", "--", ...options, ...more]);
  };

  const file = join(folder, "session.json");
  const kept = `--file=${file}`;
  const me = JSON.parse(await start(kept));
  assert.equal(me.accounts[0].name, "Ada Lovelace");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(await start(kept)), me);
  assert.equal((await provider.stats()).sign_ins, 1, "the second run needs no login");

  await start(kept, "--sign-out");
  assert.equal((await provider.stats()).revocations, 1);
  assert.deepEqual(JSON.parse(await readFile(file, "utf8")), {});

  await start();
  assert.equal((await provider.stats()).sign_ins, 2, "memory needs one each time");
});
