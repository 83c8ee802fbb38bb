// Signing in by leaving the page and coming back.

import assert from "node:assert/strict";
import {
  advance,
  create,
  handle,
  inBrowsers,
  leave,
  reload,
  status,
  token,
} from "./harness/world.mjs";

/** Begins a login and comes back from it, with a session of its own in the new page. */
async function comeBack(page, options, asked, decision) {
  const callback = await leave(page, asked, decision);
  await create(page, options);
  return callback;
}

inBrowsers("redirect login with oidc-provider", async (world) => {
  const { url, clientId } = await world.oidcProvider({ access_token_ttl: 3600 });
  const options = { clientId, issuer: url };
  const page = await world.tab(options);
  const callback = await comeBack(page, options, { returnTo: "/projects?page=2" });
  assert.match(callback, /[?&]code=.*&iss=/);
  assert.equal(await status(page), "signedOut");
  assert.deepEqual(await handle(page), { value: { returnTo: "/projects?page=2" } });
  assert.equal(await status(page), "signedIn");
  const first = await token(page);
  await reload(page);
  await create(page, options);
  assert.deepEqual(await token(page), first);
  await page.evaluate(() => window.advance(3601));
  const second = await token(page);
  assert.ok(second.token);
  assert.notDeepEqual(second, first);
});

for (const dialect of ["standard", "WorkOS"]) {
  inBrowsers(`redirect login with the embedded server, ${dialect} dialect`, async (world) => {
    const server = await world.embedded();
    const { url, clientId } = server;
    const workos = { provider: "workos", workosUrl: url };
    const options = { clientId, server: url, ...(dialect === "WorkOS" ? workos : { issuer: url }) };
    const page = await world.tab(options);
    const other = await world.tab(options);
    const asked = { loginHint: "grace@example.com", organization: "org_navy" };
    await comeBack(page, options, asked);
    assert.deepEqual(await handle(page), { value: {} });
    assert.equal(await page.evaluate(() => auth.state.user.name), "Grace Hopper");
    assert.equal(await page.evaluate(async () => (await auth.fetch("/api/v1/me")).status), 200);
    // Every tab hears of it.
    await other.evaluate(() => window.until("signedIn"));
    const first = await token(page);
    await advance(301, server, page);
    assert.notDeepEqual(await token(page), first);
    assert.equal((await server.stats()).refreshes, 1);
  });
}
