// What npm/STORAGE.md says, against pages of other versions: what each release has stored is read, and
// goes on.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { advance, eventually, inBrowsers, status } from "./harness/world.mjs";

const KEY = "default https://issuer.example client_1";
const STORED = new URL("../stored/", import.meta.url);
const RELEASES = readdirSync(STORED)
  .toSorted()
  .map((release) => [release, new URL(`${release}/page.json`, STORED)])
  .filter(([, file]) => existsSync(file));
const [, LAST] = RELEASES.at(-1);
/** A file to be made of what this version stores: a release's. */
const KEPT = process.env.ASTROPASS_KEEP_STORED;
/** A browser's own cannot be taken out of it. */
const SEALING_KEY = {
  id: "5f0c3a8e9d7b41620f1e2d3c4b5a6978",
  raw: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
};

for (const [release, file] of RELEASES) {
  inBrowsers(`what ${release} has stored is read, and goes on`, async (world) => {
    const left = read(file);
    const page = await storedPage(world, left);
    assert.equal(await status(page), "signedIn");
    const { user } = await page.evaluate(() => auth.state);
    assert.deepEqual(user, left.opened[KEY].session.user);
    assert.equal(await page.evaluate(() => auth.token()), left.opened[KEY].tokens.access_token);
    assert.deepEqual(await page.evaluate(() => asked), [], "all is known");

    await advance(300, page);
    assert.equal(await page.evaluate(() => auth.token()), "access-refreshed");
    const [{ pathname, refresh_token }] = await page.evaluate(() => asked.splice(0));
    assert.deepEqual([pathname, refresh_token], ["/token", left.opened[KEY].tokens.refresh_token]);
    const { key } = await page.evaluate(() => stored());
    assert.equal(key.id, left.key.id);

    // A login that was begun before the page had another version.
    const [{ pending, returnTo }] = left.opened[`login: ${KEY}`];
    const callback = `${pending.redirect_uri}?code=c&state=${pending.state}`;
    const handled = await page.evaluate((url) => outcome(auth.handleRedirect(url)), callback);
    assert.deepEqual(handled, { value: { returnTo } });
    const [{ code_verifier, redirect_uri }] = await page.evaluate(() => asked);
    assert.deepEqual([code_verifier, redirect_uri], [pending.verifier, pending.redirect_uri]);
    const { opened } = await page.evaluate(() => stored());
    assert.deepEqual(opened[`login: ${KEY}`], []);
    assert.equal(opened[KEY].tokens.access_token, "access-redirected");
  });
}

inBrowsers("written as in the last release", async (world) => {
  const page = await world.tab();
  await page.evaluate(prepare, { key: SEALING_KEY });
  const at = await page.evaluate(() => Math.floor(Date.now() / 1000));
  await page.evaluate(() => begin());
  await page.evaluate(() => window.login());
  await advance(1, page);
  assert.deepEqual(await page.evaluate(() => window.loggedIn), { value: null });
  // The provider is nowhere, so this page is gone then.
  const other = await world.tab();
  await other.evaluate(prepare, {});
  await page.evaluate(() => leave({ returnTo: "/projects?page=2" }));
  const look = () => other.evaluate(() => stored());
  const found = await eventually(look, ({ opened }) => opened[`login: ${KEY}`] !== undefined);
  const { databases, stores, key, records, opened } = found;
  const kept = { at, key: SEALING_KEY, records, opened };
  if (KEPT) writeFileSync(KEPT, `${JSON.stringify(kept, null, 2)}\n`);

  assert.deepEqual(databases, [{ name: "astropass", version: 1 }]);
  assert.deepEqual(stores, ["sessions"]);
  const algorithm = { name: "AES-GCM", length: 256 };
  const usages = ["encrypt", "decrypt"];
  assert.deepEqual(key, { id: SEALING_KEY.id, algorithm, usages, extractable: false });
  const last = read(LAST);
  assert.deepEqual(Object.keys(records).toSorted(), Object.keys(last.records).toSorted());
  for (const record of Object.values(records)) {
    assert.deepEqual(Object.keys(record), ["revision", "iv", "text"]);
    assert.match(record.revision, /^[0-9a-f]{32}$/);
  }
  assert.equal(opened[KEY].revision, records[KEY].revision);
  assert.deepEqual(withoutChance(opened), withoutChance(last.opened));
});

inBrowsers("another version writes beside this one", async (world) => {
  const left = read(LAST);
  const page = await storedPage(world, left);
  const other = await world.tab();
  await other.evaluate(prepare, {});
  await other.evaluate((name) => {
    window.heard = [];
    window.channel = new BroadcastChannel(name);
    window.channel.onmessage = ({ data: [event] }) => window.heard.push(event);
    return new Promise((held) => {
      navigator.locks.request(name, () => {
        held();
        return new Promise((release) => (window.release = release));
      });
    });
  }, `astropass ${KEY}`);

  // It waits, reads again, and asks for nothing.
  await advance(300, page);
  await page.evaluate(() => {
    window.waiting = outcome(auth.token());
  });
  const locks = () => other.evaluate(() => navigator.locks.query());
  const { pending } = await eventually(locks, ({ pending }) => pending.length > 0);
  assert.deepEqual(pending.map(({ name, mode }) => [name, mode]), [[`astropass ${KEY}`, "exclusive"]]);
  const theirs = structuredClone(left.opened[KEY]);
  theirs.revision = "0f".repeat(16);
  theirs.tokens.access_token = "access-theirs";
  theirs.session.received_at = await page.evaluate(() => Math.floor(Date.now() / 1000));
  theirs.session.bound_to = { key: "k1" };
  theirs.news = true;
  await other.evaluate(async (session) => {
    await write(session);
    window.channel.postMessage(["refreshed"]);
    window.release();
  }, theirs);
  assert.deepEqual(await page.evaluate(() => window.waiting), { value: "access-theirs" });
  assert.deepEqual(await page.evaluate(() => asked), []);

  // The same lock is held until the new tokens are stored, and then the others are told.
  await advance(300, page);
  await page.evaluate(() => {
    window.answering = new Promise((go) => (window.goOn = go));
    window.waiting = outcome(auth.token());
  });
  await eventually(() => page.evaluate(() => asked.length), (count) => count > 0);
  const { held } = await locks();
  assert.deepEqual(held.map(({ name, mode }) => [name, mode]), [[`astropass ${KEY}`, "exclusive"]]);
  await page.evaluate(() => window.goOn());
  assert.deepEqual(await page.evaluate(() => window.waiting), { value: "access-refreshed" });
  await eventually(() => other.evaluate(() => window.heard), (heard) => heard.includes("refreshed"));
  const { opened } = await other.evaluate(() => stored());
  assert.equal(opened[KEY].tokens.access_token, "access-refreshed");
  assert.equal(opened[KEY].news, true, "what this one does not know");

  // Another login may be somebody else's.
  await page.evaluate(() => window.login());
  await advance(1, page);
  assert.deepEqual(await page.evaluate(() => window.loggedIn), { value: null });
  const after = await other.evaluate(() => stored());
  const names = (session) => Object.keys(session).toSorted();
  assert.deepEqual(names(after.opened[KEY]), names(left.opened[KEY]));
});

inBrowsers("a session of a later version is refused, and ends with a logout only", async (world) => {
  const left = read(LAST);
  const page = await storedPage(world, left);
  const theirs = { ...left.opened[KEY], version: 2, revision: "0f".repeat(16) };
  await page.evaluate((session) => write(session), theirs);
  await advance(300, page);
  const { code } = await page.evaluate(() => outcome(auth.token()));
  assert.equal(code, "store_newer");
  assert.deepEqual(await page.evaluate(() => asked), []);
  const { opened } = await page.evaluate(() => stored());
  assert.deepEqual(opened, { ...left.opened, [KEY]: theirs });
  // The user's word is the user's word.
  assert.deepEqual(await page.evaluate(() => auth.logout()), { revoked: false });
  const after = await page.evaluate(() => stored());
  assert.deepEqual(Object.keys(after.opened), [`login: ${KEY}`]);
});

function read(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** A page as a release has left it, a minute later, that is opened by this version. */
async function storedPage(world, left) {
  const page = await world.tab();
  await page.evaluate(prepare, left);
  await page.evaluate((at) => step(at + 60 - Date.now() / 1000), left.at);
  await page.evaluate(() => begin());
  return page;
}

/** Holds the time, loads what knows the database, and fills that. */
async function prepare(left) {
  hold();
  Object.assign(window, await import("/stored.mjs"));
  if (left.key) await restore(left);
}

/** What is stored, with what differs each time replaced by what it looks like. */
function withoutChance(opened) {
  const session = structuredClone(opened[KEY]);
  const [waiting, ...more] = structuredClone(opened[`login: ${KEY}`]);
  const { pending } = waiting;
  session.revision = session.revision.replace(/^[0-9a-f]{32}$/, "revision");
  for (const [of, name] of [[session.session, "received_at"], [pending, "began_at"]]) {
    of[name] = Number.isInteger(of[name]) && of[name] > 1_700_000_000;
  }
  pending.state = pending.state.replace(/^[\w-]{22}$/, "state");
  pending.verifier = pending.verifier.replace(/^[\w-]{43}$/, "verifier");
  pending.redirect_uri = pending.redirect_uri.replace(/:\d+\//, ":PORT/");
  return { session, waiting, more };
}
