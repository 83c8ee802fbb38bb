// Clocks that are wrong, are set, or stop: no loop, no early sign-out. Time is virtual: it passes where
// a test says so, to the page, the server or both.

import assert from "node:assert/strict";
import {
  advance,
  create,
  eventually,
  inBrowsers,
  loggedIn,
  reload,
  startLogin,
  status,
  token,
} from "./harness/world.mjs";

const DAY = 86_400;
const YEAR = 365 * DAY;
const NIGHT = 8 * 3600;
/** How long a login may take, in seconds. */
const LOGIN = 300;

for (const wrong of [DAY, -DAY]) {
  const way = wrong > 0 ? "ahead" : "behind";

  inBrowsers(`a clock that is a day ${way} makes no difference`, async (world) => {
    const { server, page, options } = await signedIn(world, { wrong });
    const first = await token(page);
    assert.deepEqual(await minutes(page, server, 4), [first]);
    const renewed = await minutes(page, server, 3);
    assert.equal(renewed.length, 1, "one refresh");
    assert.notDeepEqual(renewed, [first]);
    await reopen(page, options);
    assert.deepEqual(await token(page), renewed[0]);
    assert.equal(await apiStatus(page), 200);
    assert.deepEqual(await requests(server), { polls: 1, refreshes: 1, rejected: 0 });
  });

  inBrowsers(`a clock set ${way} by a day in a session costs one refresh`, async (world) => {
    const { server, page } = await signedIn(world);
    const first = await token(page);
    await step(page, wrong);
    const second = await token(page);
    assert.ok(second.token);
    assert.notDeepEqual(second, first);
    assert.deepEqual(await minutes(page, server, 4), [second]);
    assert.equal(await status(page), "signedIn");
    assert.deepEqual(await requests(server), { polls: 1, refreshes: 1, rejected: 0 });
  });

  inBrowsers(`a clock set ${way} by a day in a login neither ends nor prolongs it`, async (world) => {
    const { server, page } = await waiting(world);
    const prompt = await startLogin(page);
    await poll(page, server);
    await step(page, wrong);
    await poll(page, server);
    await server.approve(prompt.userCode);
    await poll(page, server);
    assert.deepEqual(await loggedIn(page), { value: null });
    assert.equal((await minutes(page, server, 4)).length, 1);
    assert.deepEqual(await requests(server), { polls: 3, refreshes: 0, rejected: 0 });

    // Nobody approves this one, and no server says that it has expired.
    await startLogin(page);
    await server.fault("poll:*:status=503");
    await step(page, wrong);
    await poll(page, server, LOGIN - 1);
    await due(page, 1);
    assert.equal(await isWaiting(page), true);
    await advance(1, page);
    assert.equal((await loggedIn(page)).code, "login_expired");
    assert.equal((await server.stats()).requests.token, 4);
  });
}

const POLLS = {
  "whose answer came": { fault: "poll:1:delay=0.5", timeout: 0 },
  "whose connection hangs": { fault: "poll:1:hang", timeout: 30 },
};

for (const [which, { fault, timeout }] of Object.entries(POLLS)) {
  // See `now` of wasm/js/page.js: the server's word ends it, not the wall clock.
  inBrowsers(`asleep for 8 hours in the middle of a poll ${which}: one more`, async (world) => {
    const { server, page } = await signedIn(world, { settings: [] });
    const before = await token(page);
    await startLogin(page);
    await server.fault(fault);
    await poll(page, server);
    await server.advance(NIGHT);
    await step(page, NIGHT);
    if (timeout > 0) await advance(timeout, page);
    await due(page, 2);
    await poll(page, server, 2);
    assert.equal((await loggedIn(page)).code, "login_expired");
    assert.equal((await server.stats()).requests.token, 3);
    assert.equal(await status(page), "signedIn", "the earlier session is there");
    assert.notDeepEqual(await token(page), before, "and is renewed");
    assert.deepEqual(await requests(server), { polls: 3, refreshes: 1, rejected: 0 });
  });
}

inBrowsers("asleep for 8 hours in the middle of a poll, and all clocks went on", async (world) => {
  const { server, page } = await waiting(world);
  await startLogin(page);
  await server.fault("poll:1:hang");
  await poll(page, server);
  await advance(NIGHT, server, page);
  assert.equal((await loggedIn(page)).code, "login_expired");
  assert.equal((await server.stats()).requests.token, 1, "nobody is asked for what has expired");
});

inBrowsers("asleep for 8 hours in a session: the next token is a new one", async (world) => {
  const { server, page } = await signedIn(world);
  const before = await token(page);
  await server.advance(NIGHT);
  await step(page, NIGHT);
  const after = await token(page);
  assert.ok(after.token);
  assert.notDeepEqual(after, before);
  assert.equal(await apiStatus(page), 200);
  assert.deepEqual(await requests(server), { polls: 1, refreshes: 1, rejected: 0 });
});

inBrowsers("a lifetime of a second is a refresh a second", async (world) => {
  const { server, page } = await signedIn(world, { settings: ["--access-token-ttl", "1"] });
  for (let tenths = 0; tenths < 100; tenths += 1) {
    assert.ok((await token(page)).token);
    await advance(0.1, server, page);
  }
  const { refreshes } = await server.stats();
  assert.ok(refreshes >= 5 && refreshes <= 11, `${refreshes} in ten seconds`);
});

inBrowsers("a lifetime of ten years is used for ten years", async (world) => {
  const settings = [`--access-token-ttl=${10 * YEAR}`, `--refresh-token-ttl=${20 * YEAR}`];
  const { server, page, options } = await signedIn(world, { settings });
  const first = await token(page);
  await advance(9 * YEAR, server, page);
  assert.deepEqual(await token(page), first);
  await reopen(page, options);
  assert.deepEqual(await token(page), first);
  assert.equal(await apiStatus(page), 200);
  assert.equal((await server.stats()).refreshes, 0);
  await advance(YEAR, server, page);
  const second = await token(page);
  assert.ok(second.token);
  assert.notDeepEqual(second, first);
  assert.deepEqual(await requests(server), { polls: 1, refreshes: 1, rejected: 0 });
});

inBrowsers("a clock set back between two page loads costs at most one 401", async (world) => {
  // When the page comes again the token has expired, and its clock takes it for young, or for one of
  // tomorrow.
  const expired = 301;
  for (const [back, rejections] of [[100, 1], [290, 1], [DAY, 0]]) {
    const { server, page, options } = await signedIn(world);
    await server.advance(expired);
    for (const set of [expired - back, 0]) {
      await reopen(page, options, set);
      for (let call = 0; call < 3; call += 1) {
        assert.equal(await apiStatus(page), 200);
        await advance(2, page);
      }
    }
    assert.deepEqual(await requests(server), { polls: 1, refreshes: 1, rejected: rejections });
    await page.close();
  }
});

inBrowsers("a date in Retry-After was counted from the page's own clock", async (world) => {
  const server = await world.embedded("--auto-approve");
  const page = await world.tab();
  await page.evaluate(async (options, behind) => {
    hold();
    step(-behind);
    const first = { status: 503, headers: {} };
    // In ten seconds; without a `Date` beside it, as most pages see it.
    first.headers["retry-after"] = new Date(Date.now() + 1000 * (behind + 10)).toUTCString();
    let polls = 0;
    const own = (request) =>
      request.url.endsWith("/token") && (polls += 1) === 1
        ? Promise.resolve(new Response(null, first))
        : fetch(request);
    await create({ ...options, fetch: own });
  }, { clientId: server.clientId, issuer: server.url }, DAY);
  await startLogin(page);
  await due(page, 1);
  await advance(1, server, page);
  await due(page, 2);
  await advance(2, server, page);
  assert.deepEqual(await loggedIn(page), { value: null });
});

/** Somebody who is signed in, in virtual time, at a server of his own, by a clock that is `wrong`. */
async function signedIn(world, { wrong = 0, settings = [] } = {}) {
  const { server, page, options } = await waiting(world, { wrong, settings });
  const { userCode } = await startLogin(page);
  await server.approve(userCode);
  await poll(page, server);
  assert.deepEqual(await loggedIn(page), { value: null });
  return { server, page, options };
}

/** A page in virtual time, and nobody signed in. */
async function waiting(world, { wrong = 0, settings = [] } = {}) {
  const server = await world.embedded("--device-code-ttl", String(LOGIN), ...settings);
  const options = { clientId: server.clientId, issuer: server.url, server: server.url };
  const page = await world.tab();
  await open(page, options, wrong);
  return { server, page, options };
}

/** Holds time, sets the page's clock, and begins. */
async function open(page, options, wrong) {
  await page.evaluate(() => hold());
  await step(page, wrong);
  await create(page, options);
}

/** The same in a page that is loaded again, whose clock was set meanwhile, and goes on from there. */
async function reopen(page, options, set = 0) {
  const before = await page.evaluate(() => Date.now());
  await reload(page);
  await page.evaluate(() => hold());
  const after = await page.evaluate(() => Date.now());
  await step(page, set + (before - after) / 1000);
  await create(page, options);
}

function step(page, seconds) {
  return page.evaluate((seconds) => window.step(seconds), seconds);
}

/** Waits until something is due within so many seconds: no answer is awaited, which may take 30. */
function due(page, seconds) {
  return eventually(() => page.evaluate(() => window.next()), (next) => next <= seconds);
}

/** Lets the time to the next poll pass, and waits for it. */
async function poll(page, server, seconds = 1) {
  const { token = 0 } = (await server.stats()).requests;
  // Not the deadline of a database, which is 5.
  await due(page, 2);
  await advance(seconds, server, page);
  await eventually(server.stats, ({ requests }) => requests.token > token);
}

function isWaiting(page) {
  return page.evaluate(async () => (await Promise.race([window.loggedIn, true])) === true);
}

/** Asks for the token once a minute, so often, and gives the different ones. */
async function minutes(page, server, number) {
  const tokens = [];
  for (let minute = 0; minute < number; minute += 1) {
    const { token: now } = await token(page);
    if (tokens.at(-1)?.token !== now) tokens.push({ token: now });
    await advance(60, server, page);
  }
  return tokens;
}

function apiStatus(page) {
  return page.evaluate(async () => (await auth.fetch("/api/v1/me")).status);
}

/** What the server was asked for. */
async function requests(server) {
  const { polls, refreshes, unauthorized: rejected } = await server.stats();
  return { polls, refreshes, rejected };
}
