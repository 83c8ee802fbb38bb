// Signing in, approved by a person at the server's own page.

import assert from "node:assert/strict";
import { decide } from "./harness/person.mjs";
import {
  create,
  fingerprint,
  inBrowsers,
  loggedIn,
  reload,
  signIn,
  startLogin,
  status,
  token,
} from "./harness/world.mjs";

inBrowsers("login with the embedded server's standard dialect", async (world) => {
  const server = await world.embedded();
  const { url, clientId } = server;
  const page = await world.tab({ clientId, issuer: url, server: url });
  assert.equal(await status(page), "signedOut");
  await signIn(page);
  assert.equal(await status(page), "signedIn");
  assert.equal(await userName(page), "Ada Lovelace");
  const issued = (await server.issued()).map(fingerprint);
  assert.ok(issued.includes((await token(page)).token));
  assert.equal(await callApi(page, "/api/v1/me"), 200);
});

inBrowsers("login with WorkOS's dialect", async (world) => {
  const { url, clientId } = await world.embedded();
  const page = await world.tab({ clientId, provider: "workos", workosUrl: url, server: url });
  await signIn(page);
  assert.equal(await userName(page), "Ada Lovelace");
  assert.equal(await callApi(page, "/api/v1/projects"), 200);
});

inBrowsers("login with oidc-provider", async (world) => {
  const { url, clientId } = await world.oidcProvider();
  const page = await world.tab({ clientId, issuer: url });
  await signIn(page);
  assert.equal(await status(page), "signedIn");
  assert.ok((await token(page)).token);
});

inBrowsers("a denial at oidc-provider", async (world) => {
  const { url, clientId } = await world.oidcProvider();
  const page = await world.tab({ clientId, issuer: url });
  await decide(world.browser, await startLogin(page), { deny: true });
  await endsWith(page, "access_denied");
});

inBrowsers("a denial at the embedded server", async (world) => {
  const { url, clientId } = await world.embedded();
  const page = await world.tab({ clientId, issuer: url });
  await decide(world.browser, await startLogin(page), { deny: true });
  await endsWith(page, "access_denied");
  assert.equal(await status(page), "signedOut");
});

inBrowsers("a code that expires", async (world) => {
  const server = await world.embedded("--device-code-ttl", "60");
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  await startLogin(page);
  await server.advance(61);
  await endsWith(page, "login_expired");
});

inBrowsers("offline while it waits, and back", async (world) => {
  const server = await world.embedded();
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  const prompt = await startLogin(page);
  const failed = new Promise((failed) => page.once("requestfailed", failed));
  await page.setOfflineMode(true);
  await failed;
  await server.approve(prompt.userCode);
  await page.setOfflineMode(false);
  assert.deepEqual(await loggedIn(page), { value: null });
  assert.ok((await token(page)).token);
});

inBrowsers("a login that is aborted leaves the earlier session", async (world) => {
  const server = await world.embedded();
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  await signIn(page);
  const before = await token(page);
  await page.evaluate(async () => {
    window.control = new AbortController();
    await window.login({ signal: window.control.signal });
    window.control.abort(new RangeError("enough"));
  });
  const { name, message } = await loggedIn(page);
  assert.deepEqual({ name, message }, { name: "RangeError", message: "enough" });
  assert.deepEqual(await token(page), before);
  await reload(page);
  await create(page, { clientId: server.clientId, issuer: server.url });
  assert.deepEqual(await token(page), before);
});

inBrowsers("a second login ends the first session at the server", async (world) => {
  const server = await world.embedded();
  const { url, clientId } = server;
  const page = await world.tab({ clientId, provider: "workos", workosUrl: url });
  await signIn(page);
  const before = await token(page);
  await signIn(page);
  assert.notDeepEqual(await token(page), before);
  const journal = await server.journal();
  const sessions = (wanted) =>
    journal.filter(({ outcome }) => outcome === wanted).map(({ session }) => session);
  const [first, second] = sessions("signed_in");
  assert.notEqual(second, first);
  assert.deepEqual(sessions("signed_out"), [first]);
});

inBrowsers("a login that cannot be stored is signed out at the server", async (world) => {
  const server = await world.embedded();
  const { url, clientId } = server;
  const page = await world.tab({ clientId, provider: "workos", workosUrl: url });
  const prompt = await startLogin(page);
  await page.evaluate(() => {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("", "QuotaExceededError");
    };
  });
  await decide(world.browser, prompt);
  await endsWith(page, "store_io");
  assert.equal(await status(page), "signedOut");
  assert.equal((await server.stats()).sign_outs, 1);
});

async function endsWith(page, code) {
  const { code: ended, ours } = await loggedIn(page);
  assert.deepEqual({ ended, ours }, { ended: code, ours: true });
}

function userName(page) {
  return page.evaluate(() => window.auth.state.user?.name);
}

function callApi(page, path) {
  return page.evaluate(async (path) => (await window.auth.fetch(path)).status, path);
}
