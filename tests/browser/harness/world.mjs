// What a test has: a browser, a site of its own (so a new origin and an empty database), servers,
// and tabs; all of it ends with the test.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import { KINDS, launch, patient } from "./browsers.mjs";
import { keepConsole } from "./console.mjs";
import { LIMIT } from "./figures.mjs";
import { answer, decide, done, says } from "./person.mjs";
import { startEmbedded, startOidcProvider } from "./programs.mjs";
import { startRaw } from "./raw.mjs";
import { startSite } from "./site.mjs";

const browsers = new Map();

after(async () => {
  for (const browser of browsers.values()) await (await browser).close();
});

/** The same test in each browser, or in those of `kinds`. */
export function inBrowsers(name, body, kinds = KINDS) {
  for (const kind of kinds) {
    test(`${name} (${kind})`, LIMIT, async () => {
      const world = new World(kind);
      try {
        await world.begin();
        await body(world);
      } finally {
        await world.end();
      }
    });
  }
}

class World {
  #parts = [];

  constructor(kind) {
    this.kind = kind;
  }

  async begin() {
    this.site = await this.#kept(startSite());
    if (!browsers.has(this.kind)) browsers.set(this.kind, launch(this.kind));
    this.browser = await browsers.get(this.kind);
  }

  async end() {
    for (const part of this.#parts.reverse()) await part();
  }

  embedded(...options) {
    return this.#kept(startEmbedded(this.site.origin, options));
  }

  oidcProvider(options) {
    return this.#kept(startOidcProvider(options));
  }

  /** A server that answers each request with the bytes that `answer` gives. */
  raw(answer) {
    return this.#kept(startRaw(answer));
  }

  /** A browser for this test alone. */
  async launch(options) {
    const browser = await launch(this.kind, options);
    this.#parts.push(async () => browser.close());
    return browser;
  }

  /** A tab with the test page, and with `options` a session in it. */
  async tab(options, { browser = this.browser, before } = {}) {
    const page = patient(await browser.newPage());
    keepConsole(page);
    this.#parts.push(async () => {
      if (!page.isClosed()) await page.close().catch(() => {});
    });
    if (before !== undefined) await page.evaluateOnNewDocument(before);
    await page.goto(`${this.site.origin}/`);
    await says(page, isLoaded);
    if (options !== undefined) await create(page, options);
    return page;
  }

  /** Tabs that share a session. */
  tabs(count, options) {
    return Promise.all(Array.from({ length: count }, () => this.tab(options)));
  }

  async #kept(starting) {
    const part = await starting;
    this.#parts.push(() => part.stop());
    return part;
  }
}

/** Gives the test page a session. */
export async function create(page, options) {
  await says(page, isLoaded);
  await page.evaluate((options) => window.create(options), options);
}

/** Loads the test page again, whatever else the driver takes for that, such as a URL that was cleaned. */
export async function reload(page) {
  await page.evaluate(done);
  await page.reload();
  await says(page, isLoaded);
}

/** A test page that is there, and is not about to go. */
function isLoaded() {
  return window.create !== undefined && !document.documentElement.hasAttribute("data-done");
}

/** Signs in, with a person at the server's page. */
export async function signIn(page, decision) {
  const prompt = await startLogin(page);
  await decide(page.browser(), prompt, decision);
  assert.deepEqual(await loggedIn(page), { value: null });
}

/** Signs in, and `who` approves without a page. */
export async function signInAt(server, page, who) {
  const { userCode } = await startLogin(page);
  await server.approve(userCode, who);
  assert.deepEqual(await loggedIn(page), { value: null });
}

/** Somebody who is signed in at a server of the test's own, in a tab. */
export async function signedInTab(world) {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options);
  await signIn(page);
  return { server, options, page };
}

/** Starts a login: what there is to show. */
export async function startLogin(page) {
  const prompt = await page.evaluate(() => window.login());
  assert.ok(prompt.userCode, `no prompt: ${JSON.stringify(prompt)}`);
  return prompt;
}

/** How the login went that was started. */
export function loggedIn(page) {
  return page.evaluate(() => window.loggedIn);
}

/** Leaves the page for the server's, and gives the callback URL that the browser came back to. */
export async function leave(page, options, decision) {
  await page.evaluate(done);
  await page.evaluate((options) => window.leave(options), options);
  await answer(page, decision);
  return urlOf(page);
}

/** The page's own word: the driver hears somewhat later where it is. */
export function urlOf(page) {
  return page.evaluate(() => location.href);
}

/** How the page's URL, or another callback, was handled. */
export function handle(page, url) {
  return page.evaluate((url) => window.outcome(window.auth.handleRedirect(url)), url);
}

/** How `token()` went: `{token}` or `{code, …}`; no token gets into a test's output. */
export async function token(page) {
  const { value, ...failure } = await page.evaluate(() => window.outcome(window.auth.token()));
  return value === undefined ? failure : { token: fingerprint(value) };
}

export function fingerprint(secret) {
  return createHash("sha256").update(secret).digest("hex").slice(0, 16);
}

export function status(page) {
  return page.evaluate(() => window.auth.state.status);
}

/** Lets time pass for servers and pages, in this order: nobody's token is from the future. */
export async function advance(seconds, ...all) {
  for (const one of all) {
    if ("evaluate" in one) await one.evaluate((seconds) => window.advance(seconds), seconds);
    else await one.advance(seconds);
  }
}

/** Asks again until the answer is as wanted. */
export async function eventually(ask, wanted) {
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    await new Promise((soon) => setTimeout(soon, 20));
  }
}
