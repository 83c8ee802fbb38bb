// Signing in by a window of its own.

import assert from "node:assert/strict";
import { patient } from "./harness/browsers.mjs";
import { answer, focusPopups, says } from "./harness/person.mjs";
import {
  create,
  eventually,
  inBrowsers,
  loggedIn,
  reload,
  status,
  token,
  urlOf,
} from "./harness/world.mjs";

const CALLBACK = { redirectUri: "/callback" };

/** The window of a login that `page` begins by `begin`. */
async function opened(page, options, begin = (options) => window.popup(options)) {
  const opening = new Promise((opened) => page.once("popup", opened));
  await page.evaluate(begin, options);
  const popup = patient(await opening);
  await says(popup, () => location.href !== "about:blank");
  return popup;
}

function isClosed(popup) {
  return popup.isClosed() || new Promise((closed) => popup.once("close", () => closed(true)));
}

/** A person there, up to the page that closes the window. */
async function decide(popup, decision) {
  const closed = isClosed(popup);
  // It is gone as soon as its page has loaded.
  await answer(popup, decision).catch(() => closed);
}

/** Gives the page the focus or takes it, until the page has noticed or has ended its login. */
function focus(page, given) {
  return page.evaluate(async (given) => {
    for (let looks = 0; looks < 2; looks += 1) {
      const looked = new Promise((looked) => {
        document.hasFocus = () => {
          looked();
          return given;
        };
      });
      await Promise.race([looked, window.loggedIn]);
    }
  }, given);
}

async function endsWith(page, code) {
  const { code: ended, ours } = await loggedIn(page);
  assert.deepEqual({ ended, ours }, { ended: code, ours: true });
}

inBrowsers("popup login with oidc-provider", async (world) => {
  const { url, clientId } = await world.oidcProvider({ access_token_ttl: 3600 });
  const options = { clientId, issuer: url };
  const page = await world.tab(options);
  const other = await world.tab(options);
  const popup = await opened(page, CALLBACK);
  await decide(popup);
  assert.deepEqual(await loggedIn(page), { value: null });
  assert.ok(await isClosed(popup));
  await other.evaluate(() => window.until("signedIn"));
  const first = await token(page);
  await page.evaluate(() => window.advance(3601));
  assert.ok((await token(page)).token);
  assert.notDeepEqual(await token(page), first);
  await reload(page);
  await create(page, options);
  assert.equal(await status(page), "signedIn");
});

inBrowsers("a popup that comes back to the page's own URL", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options);
  const popup = await opened(page, { loginHint: "grace@example.com" });
  await decide(popup);
  await create(popup, options);
  const handled = await popup.evaluate(() => {
    // It has all the time that the page behind it takes to answer.
    hold();
    // So that it can be seen that the window would close.
    window.close = () => (window.closes = true);
    return window.outcome(auth.handleRedirect()).then(({ value }) => ({ value, closes: window.closes }));
  });
  assert.deepEqual(handled, { value: { popup: true }, closes: true });
  assert.equal(await urlOf(popup), `${world.site.origin}/`);
  assert.deepEqual(await loggedIn(page), { value: null });
  await popup.close();
  assert.equal(await page.evaluate(() => auth.state.user.name), "Grace Hopper");
});

inBrowsers("a popup that is closed, one that is aborted, one where the person says no", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options);
  await page.evaluate(focusPopups);
  const closed = await opened(page, CALLBACK);
  await closed.waitForSelector("button");
  await closed.close();
  await endsWith(page, "popup_closed");

  const aborted = await opened(page, CALLBACK, (options) => {
    window.control = new AbortController();
    window.popup({ ...options, signal: window.control.signal });
  });
  await aborted.waitForSelector("button");
  await page.evaluate(() => window.control.abort(new RangeError("enough")));
  const { name, message } = await loggedIn(page);
  assert.deepEqual({ name, message }, { name: "RangeError", message: "enough" });
  assert.ok(await isClosed(aborted));

  await decide(await opened(page, CALLBACK), { deny: true });
  await endsWith(page, "access_denied");
  assert.equal(await status(page), "signedOut");
  assert.equal((await server.stats()).requests.token, undefined);
});

inBrowsers("a popup that was closed before the provider answered", async (world) => {
  const server = await world.embedded();
  const page = await world.tab();
  await page.evaluate(focusPopups);
  const ended = await page.evaluate(
    async ({ clientId, url }) => {
      const slow = (request) => {
        window.opened.close();
        return fetch(request);
      };
      await create({ clientId, issuer: url, fetch: slow });
      window.popup({ redirectUri: "/callback" });
      return (await window.loggedIn).code;
    },
    { clientId: server.clientId, url: server.url },
  );
  assert.equal(ended, "popup_closed");
});

inBrowsers("a popup that is blocked, and one in a click", async (world) => {
  const browser = await world.launch({
    without: ["--disable-popup-blocking"],
    preferences: { "dom.disable_open_during_load": true, "dom.popup_allowed_events": "click" },
  });
  const server = await world.embedded("--auto-approve");
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options, { browser });
  await page.evaluate((options) => {
    // The driver's call counts as a click, and one click opens one window.
    window.open("about:blank").close();
    window.popup(options);
  }, CALLBACK);
  await endsWith(page, "popup_blocked");
  await page.evaluate(() => {
    const button = document.body.appendChild(document.createElement("button"));
    button.addEventListener("click", () => window.popup({ redirectUri: "/callback" }));
  });
  await page.click("button");
  assert.deepEqual(await loggedIn(page), { value: null });
  assert.equal(await status(page), "signedIn");
});

inBrowsers("a popup that the server had cut off (COOP) ended with a click on the page", async (world) => {
  const server = await world.embedded("--opener-policy", "same-origin");
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options);
  await page.evaluate(focusPopups);
  await page.evaluate(() => (document.hasFocus = () => false));
  const popup = await opened(page, CALLBACK);
  await popup.waitForSelector("button");
  assert.equal(await page.evaluate(() => window.opened.closed), true, "it is cut off");
  await focus(page, false);
  // Somebody looks for his password there.
  await page.evaluate(() => window.advance(2));
  await focus(page, true);
  await decide(popup);
  assert.deepEqual(await loggedIn(page), { value: null });
  assert.equal(await status(page), "signedIn");
});

inBrowsers("others talk on the channel, and nobody comes for ten minutes", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options);
  const other = await world.tab();
  const popup = await opened(page, CALLBACK);
  await popup.waitForSelector("button");
  const state = new URL(await urlOf(popup)).searchParams.get("state");
  const forged = `${world.site.origin}/callback?code=forged&state=${"A".repeat(22)}`;
  await other.evaluate((state, forged) => {
    const channel = new BroadcastChannel(`astropass login ${state}`);
    for (const message of [forged, "nonsense", null, { state }]) channel.postMessage(message);
  }, state, forged);
  await decide(popup);
  assert.deepEqual(await loggedIn(page), { value: null });
  const before = await token(page);

  const left = await opened(page, CALLBACK);
  await left.waitForSelector("button");
  await page.evaluate(() => window.advance(601));
  await endsWith(page, "login_expired");
  assert.ok(await isClosed(left));
  await reload(page);
  await create(page, options);
  assert.deepEqual(await token(page), before);
});

inBrowsers("a window took a page that was busy for two seconds for one that is gone", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options, { before: () => {
    const { prototype } = BroadcastChannel;
    const { set } = Object.getOwnPropertyDescriptor(prototype, "onmessage");
    Object.defineProperty(prototype, "onmessage", { set(listener) {
      set.call(this, async (event) => {
        window.heard = true;
        await window.busy;
        listener(event);
      });
    } });
  } });
  await page.evaluate(() => {
    window.busy = new Promise((free) => (window.free = free));
  });
  const popup = await opened(page, {});
  await decide(popup);
  await create(popup, options);
  await popup.evaluate(() => {
    hold();
    window.close = () => {};
    window.handled = outcome(auth.handleRedirect());
  });
  await eventually(() => page.evaluate(() => window.heard), Boolean);
  await popup.evaluate(() => advance(2));
  await page.evaluate(() => free());
  assert.deepEqual(await popup.evaluate(() => handled), { value: { popup: true } });
  assert.deepEqual(await loggedIn(page), { value: null });
});

inBrowsers("a popup's page that nobody waits for says so", async (world) => {
  const page = await world.tab();
  await page.goto(`${world.site.origin}/callback?code=old&state=${"A".repeat(22)}&mine=1`);
  assert.equal(await page.evaluate(() => window.answered), false);
  assert.equal(await urlOf(page), `${world.site.origin}/callback?mine=1`);
  await page.goto(`${world.site.origin}/callback`);
  assert.equal(await page.evaluate(() => window.answered), false);
});
