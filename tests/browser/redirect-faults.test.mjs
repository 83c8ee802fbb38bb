// What can go wrong with a redirect login: nobody is signed in, and an earlier session stays.

import assert from "node:assert/strict";
import {
  advance,
  create,
  eventually,
  handle,
  inBrowsers,
  leave,
  loggedIn,
  reload,
  signInAt,
  startLogin,
  status,
  token,
  urlOf,
} from "./harness/world.mjs";

/** A tab in which somebody is signed in, at a server that approves every redirect by itself. */
async function earlier(world, ...options) {
  const server = await world.embedded("--auto-approve", ...options);
  const known = { clientId: server.clientId, issuer: server.url, server: server.url };
  const page = await world.tab(known);
  await startLogin(page);
  assert.deepEqual(await loggedIn(page), { value: null });
  return { server, options: known, page, before: await token(page) };
}

async function comeBack(page, options, asked, decision) {
  const callback = await leave(page, asked, decision);
  await create(page, options);
  return callback;
}

async function refuses(page, url, code) {
  const outcome = await handle(page, url);
  assert.deepEqual({ code: outcome.code, ours: outcome.ours }, { code, ours: true });
}

async function stays(page, before) {
  assert.equal(await status(page), "signedIn");
  assert.deepEqual(await token(page), before);
}

inBrowsers("a callback counts once, for its own login and at its own URL", async (world) => {
  const { server, options, page } = await earlier(world);
  const first = await comeBack(page, options);
  assert.deepEqual(await handle(page, first), { value: {} });
  const before = await token(page);
  await refuses(page, first, "invalid_callback");
  const second = await comeBack(page, options);
  const stranger = new URL(second);
  stranger.searchParams.set("state", "A".repeat(22));
  await refuses(page, stranger.href, "invalid_callback");
  await refuses(page, second.replace("/?", "/other?"), "invalid_callback");
  await stays(page, before);
  const exchanged = (await server.stats()).sign_ins;
  // The stranger's did not use up what waits.
  assert.deepEqual(await handle(page, second), { value: {} });
  assert.notDeepEqual(await token(page), before);
  assert.equal((await server.stats()).sign_ins, exchanged + 1);
});

for (const [name, issuer] of [["another", "https://evil.example"], ["no", "null"]]) {
  inBrowsers(`a callback that names ${name} issuer`, async (world) => {
    const { server, options, page, before } = await earlier(world, "--set-callback", `iss=${issuer}`);
    const callback = await comeBack(page, options);
    const { token: requests } = (await server.stats()).requests;
    await refuses(page, undefined, "invalid_callback");
    await stays(page, before);
    assert.equal((await server.stats()).requests.token, requests, "the code went nowhere");
    await refuses(page, callback, "invalid_callback");
  });
}

inBrowsers("a denial, at the embedded server and at oidc-provider", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options);
  await signInAt(server, page);
  const before = await token(page);
  await comeBack(page, options, {}, { deny: true });
  await refuses(page, undefined, "access_denied");
  await stays(page, before);

  const foreign = await world.oidcProvider();
  const other = { clientId: foreign.clientId, issuer: foreign.url };
  await create(page, other);
  await comeBack(page, other, {}, { deny: true });
  await refuses(page, undefined, "access_denied");
  assert.equal(await status(page), "signedOut");
});

inBrowsers("an answer after ten minutes, and a server that fails", async (world) => {
  const { server, options, page, before } = await earlier(world, "--access-token-ttl", "3600");
  await comeBack(page, options);
  await server.fault("code:1:status=503");
  await refuses(page, undefined, "server_unavailable");
  await leave(page);
  await page.evaluate(() => window.advance(601));
  await create(page, options);
  await refuses(page, undefined, "login_expired");
  await stays(page, before);
});

inBrowsers("two tabs: each finishes the other's login, and one gets what both want", async (world) => {
  const { server, options, page } = await earlier(world);
  const other = await world.tab(options);
  const ours = await comeBack(page, options, { returnTo: "ours" });
  const theirs = await comeBack(other, options, { returnTo: "theirs" });
  assert.deepEqual(
    await Promise.all([handle(page, theirs), handle(other, ours)]),
    [{ value: { returnTo: "theirs" } }, { value: { returnTo: "ours" } }],
  );
  const callback = await comeBack(page, options);
  const { sign_ins: before } = await server.stats();
  const both = await Promise.all([handle(page, callback), handle(other, callback)]);
  assert.deepEqual(both.map(({ value, code }) => value ?? code).sort(), ["invalid_callback", {}].sort());
  assert.equal((await server.stats()).sign_ins, before + 1);
});

inBrowsers("two profiles on one page: an answer that both are shown is not lost", async (world) => {
  const { options, page } = await earlier(world);
  const home = { ...options, profile: "home" };
  for (const together of [true, false]) {
    await create(page, home);
    // One profile leaves, and both are there when the page comes back.
    await comeBack(page, options, { returnTo: "home" });
    const ends = await page.evaluate(
      async (home, together) => {
        const url = location.href;
        const other = await Astropass.create(home);
        const handle = [() => auth.handleRedirect(url), () => other.handleRedirect(url)];
        if (together) return Promise.all(handle.map((begin) => outcome(begin())));
        return [await outcome(handle[0]()), await outcome(handle[1]())];
      },
      home,
      together,
    );
    assert.deepEqual([ends[0].code, ends[1].value], ["invalid_callback", { returnTo: "home" }]);
    assert.equal(await urlOf(page), `${world.site.origin}/`);
  }
});

inBrowsers("handleRedirect called twice, as React's StrictMode does", async (world) => {
  const { options, page } = await earlier(world);
  await comeBack(page, options, { returnTo: "here" });
  const both = await page.evaluate(async (options) => {
    const again = await Astropass.create(options);
    const calls = [auth.handleRedirect(), auth.handleRedirect(), again.handleRedirect()];
    return Promise.all(calls.map(outcome));
  }, options);
  assert.deepEqual(both, [{ value: { returnTo: "here" } }, { value: null }, { value: null }]);
});

inBrowsers("a reload in the middle of the exchange says so, once", async (world) => {
  const { server, options, page, before } = await earlier(world, "--grace", "60");
  await comeBack(page, options);
  await server.fault("code:1:delay=600");
  const { sign_ins: signIns } = await server.stats();
  await page.evaluate(() => {
    window.auth.handleRedirect();
  });
  await eventually(server.stats, ({ sign_ins }) => sign_ins === signIns + 1);
  await reload(page);
  await create(page, options);
  await refuses(page, undefined, "login_interrupted");
  assert.deepEqual(await handle(page), { value: null });
  await stays(page, before);
  await comeBack(page, options);
  assert.deepEqual(await handle(page), { value: {} });
});

inBrowsers("the URL is cleaned before anything is awaited, and nobody else sees it", async (world) => {
  const { options, page } = await earlier(world);
  const home = `${world.site.origin}/?page=2&empty=&x=%20+`;
  await comeBack(page, options, { redirectUri: home });
  const { length, during, after, result } = await page.evaluate(async () => {
    history.replaceState({ mine: 1 }, "", "#top");
    const { length } = history;
    const handled = auth.handleRedirect();
    return { length, during: location.href, result: await handled, after: [history.length, history.state] };
  });
  assert.deepEqual({ during, after, result }, {
    during: `${home}#top`,
    after: [length, { mine: 1 }],
    result: {},
  });
  // The API server is of another origin, and even a page that hides nothing has nothing to tell it.
  const seen = await page.evaluate(async () => {
    const response = await auth.fetch("/api/v1/echo", { referrerPolicy: "unsafe-url" });
    return (await response.json()).headers.referer;
  });
  assert.equal(seen, home);
  await reload(page);
  assert.equal(await urlOf(page), `${home}#top`);
});

inBrowsers("what is no answer costs nothing and stays as it is", async (world) => {
  const server = await world.embedded();
  const page = await world.tab();
  for (const query of ["", "?code=SAVE20&state=CA", "?error=1", `?state=${"A".repeat(22)}`]) {
    await page.goto(`${world.site.origin}/${query}#top`);
    await create(page, { clientId: server.clientId, issuer: server.url });
    const loaded = await page.evaluate(async () => {
      const count = () => performance.getEntriesByType("resource").length;
      const before = count();
      const result = await outcome(auth.handleRedirect());
      return { ...result, more: count() - before };
    });
    assert.deepEqual(loaded, { value: null, more: 0 });
    assert.equal(await urlOf(page), `${world.site.origin}/${query}#top`);
  }
  assert.deepEqual(await server.journal(), []);
});

inBrowsers("nobody leaves in vain: a database that cannot be used, a foreign URI", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options, {
    before: () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("The user denied permission", "SecurityError");
      };
    },
  });
  const stay = (asked) =>
    page.evaluate(async (asked) => (await outcome(auth.loginWithRedirect(asked))).code, asked);
  assert.equal(await stay(), "store_denied");
  assert.equal(await stay({ redirectUri: "https://evil.example/" }), "invalid_url");
  assert.equal(await urlOf(page), `${world.site.origin}/`);
});

inBrowsers("a session in memory only, after a redirect", async (world) => {
  const server = await world.embedded("--auto-approve");
  const options = { clientId: server.clientId, issuer: server.url, storage: "memory" };
  const page = await world.tab(options);
  await comeBack(page, options);
  assert.deepEqual(await handle(page), { value: {} });
  const first = await token(page);
  await advance(301, server, page);
  assert.notDeepEqual(await token(page), first);
  await reload(page);
  await create(page, options);
  assert.equal(await status(page), "signedOut");
});
