// `astropass/url` loads what only a login needs when a login begins.

import assert from "node:assert/strict";
import { inBrowsers, reload, signIn, startLogin, status, token } from "./harness/world.mjs";

const FIRST = "dist/astropass.wasm";
const LOGIN = "dist/astropass-login.wasm";

inBrowsers("what a login needs is loaded by a login, and only then", async (world) => {
  const { page, options } = await separateTab(world);
  assert.equal((await token(page)).code, "not_signed_in");
  assert.deepEqual(world.site.requested(".wasm"), [FIRST]);
  await signIn(page);
  assert.deepEqual(world.site.requested(".wasm"), [FIRST, LOGIN]);
  await signIn(page);
  assert.deepEqual(world.site.requested(".wasm"), [FIRST, LOGIN], "once for all logins");

  await reload(page);
  await createSeparate(page, options);
  assert.ok((await token(page)).token);
  await page.evaluate(() => window.auth.logout());
  assert.deepEqual(world.site.requested(".wasm"), [FIRST, LOGIN, FIRST]);
});

const FAULTS = {
  "HTTP 404": (response) => response.writeHead(404, { "content-type": "text/plain" }).end(),
  "HTTP 200, text/html": (response) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>"),
  "cannot be loaded": (response) => response.destroy(),
};

inBrowsers("a login that cannot load its part says so, and a later one can", async (world) => {
  const { page } = await separateTab(world);
  for (const [fault, answer] of Object.entries(FAULTS)) {
    world.site.answer(LOGIN, answer);
    const { code, ours, message } = await page.evaluate(() => window.login());
    assert.deepEqual({ code, ours }, { code: "network", ours: true }, fault);
    assert.ok(message.includes(`${world.site.origin}/astropass/${LOGIN}`), message);
    assert.ok(message.includes(fault), message);
    assert.equal(await status(page), "signedOut");
  }
  world.site.answer(LOGIN, undefined);
  await signIn(page);
  assert.equal(await status(page), "signedIn");
});

inBrowsers("a login that cannot load its JavaScript says so, and a later one can", async (world) => {
  const { page, options } = await separateTab(world);
  const url = await (await fetch(`${world.site.origin}/astropass/dist/url.js`)).text();
  const [, name] = /import\("\.\/(.*?)"\)/.exec(url);
  world.site.answer(`dist/${name}`, (response) => response.writeHead(404).end());
  const { code, ours } = await page.evaluate(() => window.login());
  assert.deepEqual({ code, ours }, { code: "network", ours: true });
  assert.equal(await status(page), "signedOut");
  world.site.answer(`dist/${name}`, undefined);
  if (world.kind === "firefox") {
    // It does not ask again for a module that was not there.
    await reload(page);
    await createSeparate(page, options);
  }
  await signIn(page);
  assert.equal(await status(page), "signedIn");
});

inBrowsers("an aborted login does not wait for its part", async (world) => {
  const { page } = await separateTab(world);
  const asked = new Promise((resolve) => world.site.answer(LOGIN, resolve));
  const aborted = await page.evaluate(() => {
    const control = new AbortController();
    const login = window.login({ signal: control.signal });
    control.abort(new RangeError("enough"));
    return login;
  });
  assert.deepEqual([aborted.name, aborted.message], ["RangeError", "enough"]);
  // Whoever comes next waits for the same request, and fails with it.
  await page.evaluate(() => {
    window.next = window.login();
  });
  (await asked).writeHead(503).end();
  assert.equal((await page.evaluate(() => window.next)).code, "network");
  world.site.answer(LOGIN, undefined);
  await startLogin(page);
});

/** A tab with a session of the entry whose wasm is in files. */
async function separateTab(world) {
  const { clientId, url } = await world.embedded();
  const options = { clientId, issuer: url };
  const page = await world.tab();
  await createSeparate(page, options);
  return { page, options };
}

function createSeparate(page, options) {
  return page.evaluate(async (options) => {
    Object.assign(window, await import("/astropass/dist/url.js"));
    await window.create(options);
  }, options);
}
