// What was broken once.

import assert from "node:assert/strict";
import {
  advance,
  create,
  inBrowsers,
  signIn,
  signedInTab,
  status,
  token,
  urlOf,
} from "./harness/world.mjs";

inBrowsers("an aborted login kept the profile's lock for good", async (world) => {
  const server = await world.embedded();
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  await page.evaluate(async () => {
    // Aborted at once, after some turns of the event loop, and while another login holds the lock.
    for (let turns = 0; turns < 12; turns += 1) {
      const controller = new AbortController();
      const login = auth.login({ onPrompt: () => {}, signal: controller.signal });
      for (let turn = 0; turn < turns; turn += 1) await new Promise((next) => setTimeout(next));
      controller.abort();
      await login.catch(() => {});
    }
    await auth.close();
    // A grant that was on its way is given back when it comes.
    while ((await navigator.locks.query()).held.length > 0) {
      await new Promise((next) => setTimeout(next));
    }
  });
});

inBrowsers("a listener that threw kept the others from hearing", async (world) => {
  const server = await world.embedded("--auto-approve");
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  const heard = await page.evaluate(async () => {
    window.onerror = () => true;
    const statuses = [];
    let first = true;
    auth.subscribe(() => {
      if (!first) throw new Error("a listener's own");
      first = false;
    });
    auth.subscribe(({ status }) => statuses.push(status));
    await auth.login({ onPrompt: () => {} });
    return statuses;
  });
  assert.deepEqual(heard, ["signedOut", "signedIn"]);
});

inBrowsers("a redirect login that was aborted, or whose object was closed, left the page", async (world) => {
  const server = await world.embedded("--auto-approve");
  const page = await world.tab();
  const ends = await page.evaluate(
    async ({ clientId, url }) => {
      /** How a login ends that `end` comes to while the provider has not answered yet. */
      async function given(end) {
        let ask, answer;
        const asked = new Promise((resolve) => (ask = resolve));
        const answered = new Promise((resolve) => (answer = resolve));
        const slow = (request) => answered.then(() => fetch(request), ask());
        const own = await Astropass.create({ clientId, issuer: url, fetch: slow });
        const control = new AbortController();
        const login = outcome(own.loginWithRedirect({ signal: control.signal }));
        await asked;
        const ended = end(own, control);
        if (ended === undefined) await login;
        answer();
        await (ended ?? own.close());
        return login.then(({ code, name }) => code ?? name);
      }
      return [
        await given((_, control) => control.abort(new RangeError("enough"))),
        await given((own) => own.close()),
      ];
    },
    { clientId: server.clientId, url: server.url },
  );
  assert.deepEqual(ends, ["RangeError", "misuse"]);
  // The page is there, and has sent nobody away.
  await page.evaluate((url) => fetch(`${url}/_test/stats`).catch(() => {}), server.url);
  assert.equal(await urlOf(page), `${world.site.origin}/`);
  assert.equal((await server.stats()).requests.authorization, undefined);
});

inBrowsers("taking an answer out of the URL cut the fragment at its second #", async (world) => {
  const page = await world.tab();
  const fragment = "#/notes#two?code=kept";
  await page.goto(`${world.site.origin}/?mine=1&code=1&state=${"A".repeat(22)}${fragment}`);
  await create(page, { clientId: "client_test", issuer: world.site.origin });
  await page.evaluate(() => void auth.handleRedirect().catch(() => {}));
  assert.equal(await urlOf(page), `${world.site.origin}/?mine=1${fragment}`);
});

inBrowsers("the state said signed in while token() said that the session is over", async (world) => {
  const { server, page } = await signedInTab(world);
  await server.revokeSessions();
  await advance(301, server, page);
  const shown = await page.evaluate(() =>
    auth.token().catch(({ code }) => ({ code, status: auth.state.status })),
  );
  assert.deepEqual(shown, { code: "session_over", status: "sessionOver" });
});

inBrowsers("a session that nothing renews was shown as signed in when its token had expired", async (world) => {
  const server = await world.embedded();
  const page = await world.tab();
  await page.evaluate(
    (options) => window.create({ ...options, fetch: lacking("/token", "refresh_token") }),
    { clientId: server.clientId, issuer: server.url },
  );
  await signIn(page);
  assert.equal(await status(page), "signedIn");
  await advance(301, server, page);
  assert.equal((await token(page)).code, "session_over");
  assert.equal(await status(page), "sessionOver");
  await signIn(page);
  assert.equal(await status(page), "signedIn");
});

inBrowsers("options that contradict each other were a TypeError, or half ignored", async (world) => {
  const page = await world.tab();
  const codes = await page.evaluate(async () => {
    const issuer = "https://issuer.example";
    const wrong = [
      { issuer },
      { clientId: "c" },
      { clientId: "c", provider: "workos", issuer },
      { clientId: "c", provider: "auth0", issuer },
      { clientId: "c", provider: "workos", endpoints: { token: issuer } },
      { clientId: "c", issuer, storage: "local" },
      { clientId: "c", issuer, storage: null },
      { clientId: "c", issuer, storage: localStorage },
    ];
    const outcomes = await Promise.all(wrong.map((options) => outcome(Astropass.create(options))));
    return outcomes.map(({ code }) => code);
  });
  assert.deepEqual(codes, codes.map(() => "misuse"));
});
