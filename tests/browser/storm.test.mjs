// Many tabs at the moment of expiry, and some of them closed.

import assert from "node:assert/strict";
import { many, recorded } from "./harness/figures.mjs";
import { advance, fingerprint, inBrowsers, signIn, token } from "./harness/world.mjs";

const TABS = 8;
const ASKS = 8;
/** What the server takes to answer a refresh, in seconds. */
const ANSWER = 0.3;

inBrowsers("8 tabs ask 8 times at the moment of expiry: one refresh", async (world) => {
  const { server, tabs } = await signedInTabs(world, TABS, "--grace", "0");
  await recorded(`storm: 8 tabs of 8 calls, strict (${world.kind})`, async (figures) => {
    for (const rounds = many(3, 50); figures.rounds < rounds; figures.rounds += 1) {
      const before = await token(tabs[0]);
      await advance(301, server, ...tabs);
      const answers = (await Promise.all(tabs.map(ask))).flat();
      assert.equal(answers.length, TABS * ASKS);
      assert.equal(new Set(answers).size, 1);
      assert.match(answers[0], /^token /u);
      assert.notEqual(answers[0], `token ${before.token}`);
      const { refreshes, replays, reuses } = await server.stats();
      const expected = { refreshes: figures.rounds + 1, replays: 0, reuses: 0 };
      assert.deepEqual({ refreshes, replays, reuses }, expected);
    }
  });
});

inBrowsers("a third of the tabs closed, and a server that repeats its answer", async (world) => {
  const what = `tabs, a third closed: the server repeats its answer (${world.kind})`;
  await recorded(what, async (figures) => {
    for (const rounds = many(1, 10); figures.rounds < rounds; figures.rounds += 1) {
      const { answers } = await closing(world, figures, "--grace", "30");
      assert.equal(answers.size, 1);
      assert.match([...answers][0], /^token /u);
    }
  });
});

inBrowsers("a third of the tabs closed, and a strict server", async (world) => {
  const what = `tabs, a third closed: strict reuse detection (${world.kind})`;
  await recorded(what, async (figures) => {
    let over = 0;
    for (const rounds = many(1, 10); figures.rounds < rounds; figures.rounds += 1) {
      const { answers, server } = await closing(world, figures, "--grace", "0");
      assert.equal(answers.size, 1);
      const { reuses } = await server.stats();
      over += reuses;
      // A reply that died with its tab ends the session for all alike; nothing else does.
      if (reuses === 0) assert.match([...answers][0], /^token /u);
      else assert.deepEqual([...answers], ["error session_over"]);
    }
    figures.note = ` (${over} closed between send and save)`;
  });
});

/** What all survivors of a storm got, in which a third of the tabs was closed. */
async function closing(world, figures, ...settings) {
  const { server, tabs } = await signedInTabs(world, TABS + 1, ...settings);
  const victims = new Set(tabs.toSorted(() => Math.random() - 0.5).slice(0, tabs.length / 3));
  await advance(301, server, ...tabs);
  const asked = tabs.filter((tab) => !victims.has(tab)).map(ask);
  // Some of those that are closed refresh, some wait.
  for (const tab of victims) ask(tab).catch(() => {});
  await Promise.all([...victims].map(async (tab) => {
    await new Promise((soon) => setTimeout(soon, Math.random() * 2000 * ANSWER));
    await tab.close();
  }));
  figures.kills += victims.size;
  const answers = new Set((await Promise.all(asked)).flat());
  for (const tab of tabs) if (!victims.has(tab)) await tab.close();
  return { server, answers };
}

/** Tabs of a new session at a server of their own, which takes its time to refresh. */
async function signedInTabs(world, count, ...settings) {
  const server = await world.embedded(...settings);
  const options = { clientId: server.clientId, issuer: server.url, profile: `at-${new URL(server.url).port}` };
  const first = await world.tab(options);
  await signIn(first);
  const tabs = [first, ...(await world.tabs(count - 1, options))];
  await Promise.all(tabs.map(token));
  await server.fault(`refresh:*:delay=${ANSWER}`);
  return { server, tabs };
}

/** Asks for tokens in one tab: `token …` or `error …` for each. */
async function ask(tab) {
  const ended = await tab.evaluate(
    (asks) => Promise.all(Array.from({ length: asks }, () => outcome(auth.token()))),
    ASKS,
  );
  return ended.map(({ value, code }) =>
    value === undefined ? `error ${code}` : `token ${fingerprint(value)}`);
}
