// Several tabs, one session.

import assert from "node:assert/strict";
import {
  advance,
  create,
  eventually,
  inBrowsers,
  loggedIn,
  reload,
  signIn,
  startLogin,
  status,
  token,
} from "./harness/world.mjs";

inBrowsers("tabs that sign in for the first time at once agree on one key", async (world) => {
  const server = await world.embedded();
  const profiles = ["one", "two", "three", "four"].map((profile) => ({
    clientId: server.clientId,
    issuer: server.url,
    profile,
  }));
  const tabs = await Promise.all(profiles.map((options) => world.tab(options)));
  const prompts = await Promise.all(tabs.map(startLogin));
  await Promise.all(prompts.map(({ userCode }) => server.approve(userCode)));
  const ended = await Promise.all(tabs.map(loggedIn));
  assert.deepEqual(ended, tabs.map(() => ({ value: null })));
  const before = await Promise.all(tabs.map(token));
  assert.equal(new Set(before.map(({ token }) => token)).size, tabs.length);
  await Promise.all(tabs.map(reload));
  await Promise.all(tabs.map((tab, n) => create(tab, profiles[n])));
  assert.deepEqual(await Promise.all(tabs.map(token)), before);
  assert.equal(await keysInDatabase(tabs[0]), 1);
});

inBrowsers("two tabs sign in to the same profile at once", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const tabs = await world.tabs(2, options);
  const prompts = await Promise.all(tabs.map(startLogin));
  await Promise.all(prompts.map(({ userCode }) => server.approve(userCode)));
  const ended = await Promise.all(tabs.map(loggedIn));
  assert.deepEqual(ended, tabs.map(() => ({ value: null })));
  await Promise.all(tabs.map(reload));
  await Promise.all(tabs.map((tab) => create(tab, options)));
  const [one, other] = await Promise.all(tabs.map(token));
  assert.ok(one.token);
  assert.deepEqual(one, other);
  assert.equal(await keysInDatabase(tabs[0]), 1);
});

inBrowsers("a login and a logout in one tab are seen by all", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const tabs = await world.tabs(4, options);
  await signIn(tabs[0]);
  await Promise.all(tabs.map((tab) => tab.evaluate(() => window.until("signedIn"))));
  const tokens = await Promise.all(tabs.map(token));
  assert.equal(new Set(tokens.map(({ token }) => token)).size, 1);
  assert.deepEqual(await tabs[1].evaluate(() => auth.logout()), { revoked: true });
  await Promise.all(tabs.map((tab) => tab.evaluate(() => window.until("signedOut"))));
  const refused = await Promise.all(tabs.map(token));
  assert.deepEqual(refused.map(({ code }) => code), tabs.map(() => "not_signed_in"));
});

inBrowsers("a tab killed while it refreshes, and a server with a grace period", async (world) => {
  const server = await world.embedded("--grace", "60");
  const { rest, asked } = await killRefreshingTab(world, server);
  const tokens = [await asked, ...(await Promise.all(rest.map(token)))];
  assert.ok(tokens[0].token, JSON.stringify(tokens[0]));
  assert.equal(new Set(tokens.map(({ token }) => token)).size, 1);
  const { refreshes, replays } = await server.stats();
  assert.deepEqual({ refreshes, replays }, { refreshes: 1, replays: 1 });
});

inBrowsers("a tab killed while it refreshes, and a server without one", async (world) => {
  const server = await world.embedded("--grace", "0");
  const { rest, asked, options, before } = await killRefreshingTab(world, server);
  const ended = [await asked, ...(await Promise.all(rest.map(token)))];
  assert.deepEqual(ended.map(({ code }) => code), ended.map(() => "session_over"));
  // Nothing loops, and nothing is deleted.
  const { token: after } = (await server.stats()).requests;
  assert.ok(after - before <= 1 + rest.length, "too many requests");
  for (const tab of rest) await tab.evaluate(() => window.until("sessionOver"));
  await reload(rest[0]);
  await create(rest[0], options);
  assert.notEqual(await status(rest[0]), "signedOut");
  await signIn(rest[0]);
  await Promise.all(rest.map((tab) => tab.evaluate(() => window.until("signedIn"))));
});

inBrowsers("a tab that goes elsewhere while it refreshes frees the others", async (world) => {
  const server = await world.embedded("--grace", "60");
  const options = { clientId: server.clientId, issuer: server.url };
  const [leaving, staying] = await world.tabs(2, options);
  await signIn(leaving);
  await staying.evaluate(() => window.until("signedIn"));
  await advance(301, server, leaving, staying);
  await server.fault("refresh:1:delay=600");
  await leaving.evaluate(() => {
    window.auth.token();
  });
  await eventually(server.stats, ({ refreshes }) => refreshes === 1);
  const asked = ask(staying);
  await waitsForLock(staying);
  await leaving.goto(`${server.url}/device`);
  // Chromium keeps that page, and takes the lock from it for somebody who asks from now on.
  await advance(3, staying);
  assert.ok((await asked).token, JSON.stringify(await asked));
});

inBrowsers("a tab that never frees the lock makes nobody hang", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const [page, holder] = await world.tabs(2, options);
  await signIn(page);
  await holder.evaluate(() => window.until("signedIn"));
  // The locks' names are the package's own: these are the ones that a refresh takes.
  await advance(301, server, page, holder);
  await page.evaluate(() => keepAnswers());
  const refreshed = token(page);
  const names = await eventually(
    () => holder.evaluate(async () => (await navigator.locks.query()).held.map(({ name }) => name)),
    (names) => names.length > 0,
  );
  await page.evaluate(() => goOn());
  assert.ok((await refreshed).token);
  await holder.evaluate((names) =>
    Promise.all(names.map((name) =>
      new Promise((held) => {
        navigator.locks.request(name, () => {
          held();
          return new Promise(() => {});
        });
      }))), names);
  // Fresh needs no lock.
  assert.deepEqual(await token(page), await refreshed);
  await advance(301, server, page);
  const { code, ours, waited } = await page.evaluate(waitOut);
  // Rule 2: the deadline of a request and five seconds.
  assert.deepEqual({ code, ours, waited }, { code: "store_busy", ours: true, waited: 35 });
  await holder.close();
  assert.ok((await token(page)).token);
});

/** One of four tabs is closed when the server has refreshed for it, and before it hears so. */
async function killRefreshingTab(world, server) {
  const options = { clientId: server.clientId, issuer: server.url };
  const [victim, ...rest] = await world.tabs(4, options);
  await signIn(victim);
  await Promise.all(rest.map((tab) => tab.evaluate(() => window.until("signedIn"))));
  const { token: before } = (await server.stats()).requests;
  await advance(301, server, victim, ...rest);
  await server.fault("refresh:1:delay=600");
  await victim.evaluate(() => {
    window.auth.token();
  });
  await eventually(server.stats, ({ refreshes }) => refreshes === 1);
  const asked = ask(rest[0]);
  await waitsForLock(rest[0]);
  await victim.close();
  return { rest, asked, options, before };
}

/** Asks for a token, with all the time that the others take. */
async function ask(tab) {
  await tab.evaluate(() => hold());
  return token(tab);
}

function waitsForLock(tab) {
  const pending = () => tab.evaluate(async () => (await navigator.locks.query()).pending.length);
  return eventually(pending, (count) => count > 0);
}

/** Asks for a token that nothing but time can end, and gives how much of it that took, in seconds. */
async function waitOut() {
  hold();
  let ended = false;
  let waited = 0;
  const asked = outcome(auth.token()).finally(() => (ended = true));
  while (!ended) {
    // A lock is asked for again every three seconds; what is awaited for longer is still to answer.
    const seconds = next();
    if (seconds <= 3) {
      advance(seconds);
      waited += seconds;
    }
    await navigator.locks.query();
  }
  return { ...(await asked), waited };
}

/** How many keys all databases of the page's origin hold. */
function keysInDatabase(page) {
  return page.evaluate(async () => {
    const count = (value) => {
      if (value instanceof CryptoKey) return 1;
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return 0;
      return Object.values(value).reduce((sum, part) => sum + count(part), 0);
    };
    return count(await window.records());
  });
}
