// Staying signed in.

import assert from "node:assert/strict";
import { temporaryFolder } from "./harness/folders.mjs";
import {
  advance,
  create,
  inBrowsers,
  loggedIn,
  reload,
  signIn,
  signInAt,
  signedInTab,
  status,
  token,
} from "./harness/world.mjs";

inBrowsers("a reload keeps the session", async (world) => {
  const { server, options, page } = await signedInTab(world);
  const before = await token(page);
  await reload(page);
  await create(page, options);
  assert.equal(await status(page), "signedIn");
  assert.equal(await page.evaluate(() => window.auth.state.user?.name), "Ada Lovelace");
  assert.deepEqual(await token(page), before);
  assert.equal((await server.stats()).refreshes, 0);
});

inBrowsers("a restart of the browser keeps the session", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const profile = temporaryFolder();
  const first = await world.launch({ profile });
  const page = await world.tab(options, { browser: first });
  await signIn(page);
  const before = await token(page);
  await first.close();

  const again = await world.tab(options, { browser: await world.launch({ profile }) });
  assert.equal(await status(again), "signedIn");
  assert.deepEqual(await token(again), before);
  await advance(400, server, again);
  assert.ok((await token(again)).token);
  assert.equal((await server.stats()).refreshes, 1);
});

for (const dialect of ["standard", "WorkOS"]) {
  inBrowsers(`an expired token is refreshed, ${dialect} dialect`, async (world) => {
    const server = await world.embedded("--access-token-ttl", "300");
    const { url, clientId } = server;
    const workos = { provider: "workos", workosUrl: url };
    const provider = dialect === "WorkOS" ? workos : { issuer: url };
    const page = await world.tab({ clientId, server: url, ...provider });
    await signIn(page);
    const first = await token(page);
    await advance(301, server, page);
    const second = await token(page);
    assert.ok(second.token);
    assert.notDeepEqual(second, first);
    assert.deepEqual(await token(page), second);
    assert.equal((await server.stats()).refreshes, 1);
    assert.equal(await callApi(page), 200);
  });
}

inBrowsers("an expired token of oidc-provider is refreshed", async (world) => {
  const { url, clientId } = await world.oidcProvider({ access_token_ttl: 3600 });
  const page = await world.tab({ clientId, issuer: url });
  await signIn(page);
  const first = await token(page);
  await page.evaluate(() => window.advance(3601));
  const second = await token(page);
  assert.ok(second.token);
  assert.notDeepEqual(second, first);
});

inBrowsers("fetch gives the token to the API server alone", async (world) => {
  const server = await world.embedded();
  const other = await world.embedded();
  const { url, clientId } = server;
  const page = await world.tab({ clientId, issuer: url, server: url });
  await signIn(page);
  const asked = (target) =>
    page.evaluate((target) => {
      const answered = window.auth.fetch(target).then((response) => response.status);
      return window.outcome(answered);
    }, target);
  assert.deepEqual(await asked(`${url}/api/v1/me`), { value: 200 });
  const { code, ours } = await asked(`${other.url}/api/v1/echo`);
  assert.deepEqual({ code, ours }, { code: "invalid_url", ours: true });
  assert.deepEqual(await other.journal(), []);
});

inBrowsers("one refresh after a 401, shared by all who got one", async (world) => {
  const server = await world.embedded();
  const { url, clientId } = server;
  const page = await world.tab({ clientId, issuer: url, server: url });
  await signIn(page);
  await server.revokeAccessTokens();
  const answers = await page.evaluate(async () => {
    const asked = Array.from({ length: 8 }, () => window.auth.fetch("/api/v1/me"));
    return (await Promise.all(asked)).map(({ status }) => status);
  });
  assert.deepEqual(answers, Array.from({ length: 8 }, () => 200));
  assert.equal((await server.stats()).refreshes, 1);
});

inBrowsers("an aborted token() rejects only its caller; the refresh is saved", async (world) => {
  const { server, options, page } = await signedInTab(world);
  await advance(301, server, page);
  await server.fault("refresh:1:delay=1");
  const aborted = await page.evaluate(() => {
    const control = new AbortController();
    const asked = window.outcome(window.auth.token({ signal: control.signal }));
    window.other = window.auth.token();
    control.abort();
    return asked;
  });
  assert.equal(aborted.name, "AbortError");
  await page.evaluate(() => window.other);
  const saved = await token(page);
  await reload(page);
  await page.evaluate(() => window.advance(301));
  await create(page, options);
  assert.deepEqual(await token(page), saved);
  assert.equal((await server.stats()).refreshes, 1);
});

inBrowsers("a session that the server ended is over, and a login helps", async (world) => {
  const { server, page } = await signedInTab(world);
  await server.revokeSessions();
  await advance(301, server, page);
  const { code, ours } = await token(page);
  assert.deepEqual({ code, ours }, { code: "session_over", ours: true });
  assert.equal(await status(page), "sessionOver");
  await signIn(page);
  assert.equal(await status(page), "signedIn");
  assert.ok((await token(page)).token);
});

inBrowsers("an ended session stays over while another login is begun and given up", async (world) => {
  const { server, page } = await signedInTab(world);
  await server.revokeSessions();
  await advance(301, server, page);
  assert.equal((await token(page)).code, "session_over");
  await page.evaluate(() => {
    window.giveUp = new AbortController();
    return window.login({ signal: window.giveUp.signal });
  });
  assert.equal(await status(page), "sessionOver");
  await page.evaluate(() => window.giveUp.abort());
  assert.equal((await loggedIn(page)).name, "AbortError");
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  assert.equal((await token(page)).code, "session_over");
  const states = await page.evaluate(() => states.map(({ status }) => status));
  assert.deepEqual(states.slice(states.indexOf("sessionOver")), ["sessionOver"]);
});

inBrowsers("another person who signs in at the same page is simply signed in", async (world) => {
  const { server, page } = await signedInTab(world);
  await signInAt(server, page, "grace@example.com");
  const { state, seen } = await page.evaluate(() => ({
    state: auth.state,
    seen: states.map(({ status }) => status),
  }));
  assert.deepEqual([state.status, state.user.email], ["signedIn", "grace@example.com"]);
  assert.ok(!seen.includes("sessionChanged"), String(seen));
  assert.ok((await token(page)).token);
});

inBrowsers("a provider is found of which one metadata document cannot be read", async (world) => {
  const server = await world.embedded();
  // What a page is shown of an answer without CORS, as of most servers' 404.
  await server.fault("oauth-metadata:*:cut");
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  await signIn(page);
  assert.equal(await status(page), "signedIn");
});

inBrowsers("a provider is not asked for endpoints that are given with its issuer", async (world) => {
  const server = await world.embedded("--issuer-path", "/tenant");
  const { url, clientId } = server;
  const { device_authorization_endpoint, token_endpoint } = await (
    await fetch(`${url}/.well-known/oauth-authorization-server/tenant`)
  ).json();
  const endpoints = { deviceAuthorization: device_authorization_endpoint, token: token_endpoint };
  await server.fault("oauth-metadata:*:cut");
  await server.fault("openid-configuration:*:cut");
  const page = await world.tab({ clientId, issuer: `${url}/tenant`, endpoints });
  await signIn(page);
  await advance(301, server, page);
  assert.ok((await token(page)).token);
});

inBrowsers("a server that fails ends nothing", async (world) => {
  const { server, page } = await signedInTab(world);
  await advance(301, server, page);
  await server.fault("refresh:*:status=503");
  assert.equal((await token(page)).code, "server_unavailable");
  assert.equal(await status(page), "signedIn");
  await server.mend();
  assert.ok((await token(page)).token);
});

inBrowsers("another organization of the same person", async (world) => {
  const { url, clientId } = await world.embedded();
  const options = { clientId, provider: "workos", workosUrl: url, server: url };
  const [page, other] = await world.tabs(2, options);
  await signIn(page);
  await other.evaluate(() => window.until("signedIn"));
  const accounts = await page.evaluate(async () =>
    (await (await auth.fetch("/api/v1/me")).json()).accounts);
  const wanted = accounts.map((account) => account.workos_org_id).find((id) => id !== null);
  const before = await token(page);
  await page.evaluate((id) => auth.switchOrganization(id), wanted);
  assert.equal(await page.evaluate(() => auth.state.organization), wanted);
  const after = await token(page);
  assert.notDeepEqual(after, before);

  // Rule 5: a page that showed one organization is not silently moved to another.
  await other.evaluate(() => window.until("sessionChanged"));
  assert.equal((await token(other)).code, "session_changed");
  await create(other, options);
  assert.equal(await other.evaluate(() => auth.state.organization), wanted);
  assert.deepEqual(await token(other), after);
});

inBrowsers("a logout that the server does not hear", async (world) => {
  const { options, page } = await signedInTab(world);
  await page.setOfflineMode(true);
  assert.deepEqual(await page.evaluate(() => auth.logout()), { revoked: false });
  assert.equal(await status(page), "signedOut");
  await page.setOfflineMode(false);
  await reload(page);
  await create(page, options);
  assert.equal(await status(page), "signedOut");
  assert.equal((await token(page)).code, "not_signed_in");
});

inBrowsers("every request goes through the page's own fetch", async (world) => {
  const server = await world.embedded();
  const page = await world.tab();
  await page.evaluate((options) => {
    window.sent = [];
    const real = window.fetch;
    const own = (request) => {
      window.sent.push(request instanceof Request && new URL(request.url).pathname);
      return real(request);
    };
    window.fetch = () => Promise.reject(new TypeError("not this one"));
    return window.create({ ...options, fetch: own });
  }, { clientId: server.clientId, issuer: server.url, server: server.url });
  await signIn(page);
  assert.equal(await callApi(page), 200);
  await advance(301, server, page);
  assert.ok((await token(page)).token);
  await page.evaluate(() => auth.logout());
  const sent = await page.evaluate(() => window.sent);
  const { requests } = await server.stats();
  const counted = Object.entries(requests)
    .filter(([endpoint]) => endpoint !== "verification")
    .reduce((sum, [, count]) => sum + count, 0);
  assert.equal(sent.length, counted, sent.join(" "));
});

function callApi(page) {
  return page.evaluate(async () => (await window.auth.fetch("/api/v1/me")).status);
}
