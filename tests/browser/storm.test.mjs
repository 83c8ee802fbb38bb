// Many tabs at the moment of expiry, and some of them closed.

import assert from "node:assert/strict";
import { many, recorded } from "./harness/figures.mjs";
import { advance, fingerprint, inBrowsers, signIn, token } from "./harness/world.mjs";

const TABS = 8;
const ASKS = 8;
/** How many of one more are closed. */
const CLOSED = 3;
/** What the server takes to answer a refresh, in seconds. */
const ANSWER = 0.3;

inBrowsers("8 tabs ask 8 times at the moment of expiry: one refresh", async (world) => {
  const { server, tabs, key } = await signedInTabs(world, TABS, "--grace", "0");
  await recorded(`storm: 8 tabs of 8 calls, strict (${world.kind})`, async (figures) => {
    for (const rounds = many(3, 50); figures.rounds < rounds; figures.rounds += 1) {
      const before = await found(tabs[0], key);
      await expire(server, tabs);
      const answers = await Promise.all(tabs.map((tab) => ask(tab, server)));
      assertRenewed(answers, before, await found(tabs[0], key));
      const { refreshes, replays, reuses, unauthorized } = await server.stats();
      const expected = { refreshes: figures.rounds + 1, replays: 0, reuses: 0, unauthorized: 0 };
      assert.deepEqual({ refreshes, replays, reuses, unauthorized }, expected);
    }
  });
});

inBrowsers("a third of the tabs closed, and a server that repeats its answer", async (world) => {
  const what = `tabs, a third closed: the server repeats its answer (${world.kind})`;
  await recorded(what, async (figures) => {
    for (const rounds = many(1, 10); figures.rounds < rounds; figures.rounds += 1) {
      const { answers, sent, stats, before, after } = await closing(world, figures, "--grace", "30");
      assertRenewed(answers, before, after);
      const { refreshes, reuses } = stats;
      assert.deepEqual({ refreshes, reuses }, { refreshes: 1, reuses: 0 });
      assert.ok(sent <= 1 + CLOSED, `${sent} requests: one, and one more for each that was closed`);
    }
  });
});

inBrowsers("a third of the tabs closed, and a strict server", async (world) => {
  const what = `tabs, a third closed: strict reuse detection (${world.kind})`;
  await recorded(what, async (figures) => {
    let over = 0;
    for (const rounds = many(1, 10); figures.rounds < rounds; figures.rounds += 1) {
      const { answers, sent, stats, before, after } = await closing(world, figures, "--grace", "0");
      assert.equal(stats.refreshes, 1);
      if (stats.reuses === 0) {
        assertRenewed(answers, before, after);
        assert.equal(sent, 1, "requests");
      } else {
        // A reply that died with its tab ends the session for all alike; nothing else does.
        over += 1;
        assert.deepEqual(answers, answers.map(() => ({ codes: ["session_over"], tokens: [] })));
        assert.equal(after.code, "session_over");
        assert.equal(after.revision, before.revision, "nothing is deleted");
        assert.ok(sent <= TABS + 1, `${sent} requests: one for each tab`);
      }
    }
    figures.note = ` (${over} closed between send and save)`;
  });
});

/** What all survivors of a storm got, in which a third of the tabs was closed. */
async function closing(world, figures, ...settings) {
  const { server, tabs, key } = await signedInTabs(world, TABS + 1, ...settings);
  const victims = new Set(tabs.toSorted(() => Math.random() - 0.5).slice(0, CLOSED));
  const survivors = tabs.filter((tab) => !victims.has(tab));
  const before = await found(survivors[0], key);
  const { token: polls } = (await server.stats()).requests;
  await expire(server, tabs);
  // Some of those that are closed refresh, some wait.
  const asked = tabs.map((tab) => ask(tab, server).catch((error) => {
    if (!victims.has(tab)) throw error;
  }));
  await Promise.all([...victims].map(async (tab) => {
    await new Promise((soon) => setTimeout(soon, Math.random() * 2000 * ANSWER));
    await tab.close();
  }));
  figures.kills += victims.size;
  const answers = (await Promise.all(asked)).filter((_, n) => !victims.has(tabs[n]));
  const after = await found(survivors[0], key);
  const stats = await server.stats();
  for (const tab of survivors) await tab.close();
  return { answers, before, after, stats, sent: stats.requests.token - polls };
}

/** Tabs of a new session at a server of their own, which takes its time to refresh. */
async function signedInTabs(world, count, ...settings) {
  const server = await world.embedded(...settings);
  const profile = `at-${new URL(server.url).port}`;
  const options = { clientId: server.clientId, issuer: server.url, profile };
  const first = await world.tab(options);
  await signIn(first);
  const tabs = [first, ...(await world.tabs(count - 1, options))];
  await Promise.all(tabs.map(token));
  await server.fault(`refresh:*:delay=${ANSWER}`);
  return { server, tabs, key: `${profile} ${server.url} ${server.clientId}` };
}

/**
 * Lets the token expire, and no time pass from then on in the tabs: what they wait for has to come by
 * itself, since no deadline ever does.
 */
async function expire(server, tabs) {
  await Promise.all(tabs.map((tab) => tab.evaluate(() => hold())));
  await advance(301, server, ...tabs);
  // They have one clock: what a later one receives would be from the future.
  const clocks = await Promise.all(tabs.map((tab) => tab.evaluate(() => Date.now())));
  const latest = Math.max(...clocks);
  await Promise.all(tabs.map((tab, n) =>
    tab.evaluate((behind) => step(behind / 1000), latest - clocks[n])));
}

/** Everybody has the token that is stored, which is another than before, and the server takes it. */
function assertRenewed(answers, before, after) {
  const expected = { codes: [], tokens: [`${after.token} 200`] };
  assert.deepEqual(answers, answers.map(() => expected));
  assert.notEqual(after.token, before.token);
  assert.notEqual(after.revision, before.revision);
}

/** What a tab has: a token, or why not; and what is stored, by its revision. */
async function found(tab, key) {
  const { token: one, code } = await token(tab);
  const records = await tab.evaluate(async () =>
    (await records()).map(([name, { revision }]) => [name, revision]));
  const { [key]: revision, ...others } = Object.fromEntries(records);
  assert.ok(revision, "the session is there");
  assert.ok(!Object.keys(others).some((name) => name.startsWith("corrupt")), "and was readable");
  return { token: one, code, revision };
}

/** Asks for tokens in one tab: the different ones with what the API says to them, and the errors. */
function ask(tab, server) {
  return tab.evaluate(async (asks, api) => {
    const asked = await Promise.all(Array.from({ length: asks }, () => outcome(auth.token())));
    const values = new Set(asked.flatMap(({ value }) => value ?? []));
    const codes = new Set(asked.flatMap(({ code }) => code ?? []));
    const used = [...values].map(async (token) => {
      const { status } = await fetch(api, { headers: { authorization: `Bearer ${token}` } });
      return { token, status };
    });
    return { codes: [...codes], tokens: await Promise.all(used) };
  }, ASKS, `${server.url}/api/v1/me`).then(({ codes, tokens }) => ({
    codes,
    tokens: tokens.map(({ token, status }) => `${fingerprint(token)} ${status}`),
  }));
}
