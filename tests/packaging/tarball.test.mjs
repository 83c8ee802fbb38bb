// What is in the tarball, and only that.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { project } from "./harness/project.mjs";
import { WASM, entry, manifest, packageOf, wasmPath } from "./harness/tarball.mjs";

const ENTRIES = [".", "./url", "./popup", "./react"];
const CODE = /^dist\/.*\.(js|d\.ts|wasm|sha256)$/;
const TEXTS = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"];

test("no file is missing, and none is there by mistake", async (t) => {
  const folder = packageOf(await project(t, []));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1));
  assert.deepEqual(files.filter((file) => !CODE.test(file)).sort(), TEXTS);
  for (const file of TEXTS) assert.ok((await readFile(join(folder, file))).length > 200, file);
});

test("the manifest promises what bundlers need, and depends on nothing", async (t) => {
  const { type, sideEffects, dependencies, peerDependenciesMeta, scripts } = await manifest(
    await project(t, []),
  );
  assert.deepEqual(
    { type, sideEffects, dependencies, react: peerDependenciesMeta.react },
    { type: "module", sideEffects: false, dependencies: undefined, react: { optional: true } },
  );
  assert.equal(scripts?.install ?? scripts?.postinstall, undefined);
});

test("every entry leads to code and to its types, under every condition", async (t) => {
  const fresh = await project(t, []);
  const { exports } = await manifest(fresh);
  for (const subpath of ENTRIES) {
    const files = targets(exports[subpath]);
    assert.ok(files.some((file) => file.endsWith(".js")), `${subpath}: code`);
    assert.ok(files.some((file) => file.endsWith(".d.ts")), `${subpath}: types`);
  }
  for (const file of Object.values(exports).flatMap(targets)) {
    assert.ok((await readFile(join(packageOf(fresh), file))).length > 0, file);
  }
});

test("publint has nothing to say", async (t) => {
  const pkgDir = packageOf(await project(t, []));
  const { messages, pkg } = await publint({ pkgDir, pack: false, strict: true });
  assert.deepEqual(messages.map((message) => formatMessage(message, pkg)), []);
});

test("the default entry holds the separate wasm, whose hashes the package names", async (t) => {
  const fresh = await project(t, []);
  const files = WASM.map(async (name) => readFile(await wasmPath(fresh, name)));
  const wasm = await Promise.all(files);
  assert.ok(wasm.every((bytes) => WebAssembly.validate(bytes)));
  const named = await readFile(join(packageOf(fresh), "dist/astropass.wasm.sha256"), "utf8");
  const lines = WASM.map((name, index) => `${sha256(wasm[index])}  ${name}\n`);
  assert.equal(named, lines.join(""));
  const found = await inlined(fresh);
  assert.deepEqual(found.map(sha256).sort(), wasm.map(sha256).sort());
});

/** The files that a value of `exports` can lead to. */
function targets(value) {
  return typeof value === "string" ? [value] : Object.values(value).flatMap(targets);
}

/** The gzipped wasm, in base64, inside of the scripts that the default entry loads. */
async function inlined(fresh) {
  const folder = join(await entry(fresh, "."), "..");
  const scripts = (await readdir(folder)).filter((file) => file.endsWith(".js"));
  const texts = await Promise.all(scripts.map((file) => readFile(join(folder, file), "utf8")));
  const found = texts.flatMap((text) => text.match(/H4sI[A-Za-z0-9+/]{1000,}={0,2}/g) ?? []);
  return found.map((gzipped) => gunzipSync(Buffer.from(gzipped, "base64")));
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
