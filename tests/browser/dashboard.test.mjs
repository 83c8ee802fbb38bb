// The dashboard, by keyboard alone, with every screen looked at by axe and kept as a picture.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { serveDashboard } from "../../examples/dashboard/serve.mjs";
import { launch, patient } from "./harness/browsers.mjs";
import { keepConsole } from "./harness/console.mjs";
import { LIMIT } from "./harness/figures.mjs";
import { focusPopups } from "./harness/person.mjs";
import { EMBEDDED, admin } from "./harness/programs.mjs";
import { eventually, urlOf } from "./harness/world.mjs";

const PICTURES = fileURLToPath(new URL("../../target/screenshots", import.meta.url));
const WIDTHS = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let browser;
before(async () => {
  mkdirSync(PICTURES, { recursive: true });
  browser = await launch("chromium");
});
after(() => browser.close());

test("from sign-in to sign-out by keyboard", LIMIT, async (t) => {
  const { page } = await open(t);
  await shows(page, "Sign in to Astropass");
  await lookedAt(page, "sign-in");
  await press(page, "Sign in");
  await shows(page, "Sign in");
  await lookedAt(page, "server");
  await press(page, "Approve");
  await showsProjects(page);
  assert.equal(new URL(await urlOf(page)).search, "");
  assert.match(await textOf(page), /Ada Lovelace/);
  await lookedAt(page, "projects");

  const [organization] = await namesStarting(page, "Switch to ");
  await press(page, organization);
  await page.waitForFunction(
    (name) => document.querySelector("[aria-current]")?.textContent.includes(name),
    {},
    organization.slice("Switch to ".length),
  );
  await page.waitForSelector("tbody th");
  await lookedAt(page, "organization");

  await press(page, "Sign out");
  await shows(page, "Sign in to Astropass");
  await page.waitForSelector(".notice");
  assert.match(await textOf(page), /You are signed out/);
  await lookedAt(page, "signed-out");
});

test("a sign-in that is denied, another that fails, and back from the third", LIMIT, async (t) => {
  const { page, server } = await open(t);
  await shows(page, "Sign in to Astropass");
  await press(page, "Sign in");
  await shows(page, "Sign in");
  await press(page, "Deny");
  await shows(page, "Sign-in was denied");
  await lookedAt(page, "denied");
  await server.fault("code:1:status=503");
  await press(page, "Start again");
  await shows(page, "Sign in");
  await press(page, "Approve");
  await shows(page, "The sign-in server is not answering");
  await press(page, "Try again");
  await shows(page, "Sign in");
  await page.goBack();
  await shows(page, "Sign in to Astropass");
});

test("a sign-in that is cancelled while the sign-in page does not answer", LIMIT, async (t) => {
  const { page, server } = await open(t);
  await shows(page, "Sign in to Astropass");
  // While a page is about to go the driver reaches nothing in it, but another tab does.
  const other = patient(await browser.newPage());
  t.after(() => other.close());
  await other.goto(await urlOf(page));
  await page.bringToFront();
  await page.evaluate(() => {
    window.told = new BroadcastChannel("cancel");
    window.told.onmessage = () => {
      const cancel = () => {
        const buttons = [...document.querySelectorAll("button")];
        const button = buttons.find(({ textContent }) => textContent === "Cancel");
        // It is shown somewhat later, and never again.
        if (button) seen.disconnect();
        button?.click();
      };
      const seen = new MutationObserver(cancel);
      seen.observe(document.body, { childList: true, subtree: true });
      cancel();
    };
  });
  const stopped = new Promise((stopped) => {
    page.on("requestfailed", (request) => request.url().includes("/authorize") && stopped());
  });
  await server.fault("authorization:1:hang");
  await press(page, "Sign in");
  await eventually(server.stats, ({ requests }) => requests.authorization === 1);
  await other.evaluate(() => new BroadcastChannel("cancel").postMessage(""));
  await stopped;
  await shows(page, "Sign in to Astropass");
  await press(page, "Sign in");
  await shows(page, "Sign in");
});

test("in a window of its own, by keyboard", LIMIT, async (t) => {
  const { page } = await open(t);
  await shows(page, "Sign in to Astropass");
  const popup = await pressWindow(page);
  await shows(page, "Continue in the other window");
  await lookedAt(page, "window");
  await popup.bringToFront();
  await press(popup, "Approve");
  await page.bringToFront();
  await shows(page, "Projects");
});

test("a window that is closed, and one that is given up", LIMIT, async (t) => {
  const { page } = await open(t);
  await page.evaluate(focusPopups);
  await shows(page, "Sign in to Astropass");
  const popup = await pressWindow(page);
  await popup.close();
  await page.bringToFront();
  await shows(page, "The window was closed");
  await lookedAt(page, "window-closed");
  const again = new Promise((opened) => page.once("popup", opened));
  await press(page, "Try again");
  await again;
  await page.bringToFront();
  await shows(page, "Continue in the other window");
  await press(page, "Cancel");
  await shows(page, "Sign in to Astropass");
});

test("a window that nobody waits for", LIMIT, async (t) => {
  const { page } = await open(t);
  await page.goto(new URL(`/popup.html?code=late&state=${"A".repeat(22)}`, await urlOf(page)).href);
  await shows(page, "Nobody waits for this sign-in");
  await lookedAt(page, "window-late");
});

test("with a code, by keyboard", LIMIT, async (t) => {
  const { page, serverUrl } = await open(t);
  await startSignIn(page);
  await lookedAt(page, "code");
  const there = (target) => target.url().startsWith(serverUrl);
  const opened = browser.waitForTarget(there, { timeout: 0 });
  await press(page, "Open sign-in page");
  const approval = patient(await (await opened).page());
  await shows(approval, "Connect a device");
  await press(approval, "Approve");
  await shows(approval, "Signed in");
  await approval.close();
  await page.bringToFront();
  await shows(page, "Projects");
});

test("a code that expires", LIMIT, async (t) => {
  const { page, server } = await open(t);
  await startSignIn(page);
  await server.advance(400);
  await shows(page, "That took too long");
  await lookedAt(page, "expired");
  await press(page, "Start again");
  await shows(page, "Approve this sign-in");
});

test("offline while it waits, and back", LIMIT, async (t) => {
  const { page, server } = await open(t);
  const code = await startSignIn(page);
  // What was asked before is answered then, and no approval is lost on the way.
  const failed = new Promise((failed) => page.once("requestfailed", failed));
  await page.setOfflineMode(true);
  await failed;
  await page.waitForSelector(".waiting.is-offline");
  await lookedAt(page, "offline");
  await server.approve(code);
  await page.setOfflineMode(false);
  await shows(page, "Projects");
});

test("offline before it begins, and back", LIMIT, async (t) => {
  const { page } = await open(t);
  await shows(page, "Sign in to Astropass");
  await page.setOfflineMode(true);
  await press(page, "Sign in");
  await shows(page, "You are offline");
  await lookedAt(page, "offline-start");
  await page.setOfflineMode(false);
  await shows(page, "Sign in");
});

test("a session that the server ends", LIMIT, async (t) => {
  const { page, server } = await open(t);
  await server.approve(await startSignIn(page));
  await showsProjects(page);
  await server.revokeSessions();
  await server.revokeAccessTokens();
  await press(page, "Reload");
  await shows(page, "Your session has ended");
  await lookedAt(page, "session-over");
});

test("a full disk was called blocked site data", LIMIT, async (t) => {
  const { page, server } = await open(t);
  await server.approve(await startSignIn(page));
  await showsProjects(page);
  await server.revokeSessions();
  await server.revokeAccessTokens();
  await press(page, "Reload");
  await shows(page, "Your session has ended");
  await page.evaluate(() => {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("", "QuotaExceededError");
    };
  });
  await press(page, "Sign in again");
  await shows(page, "Your browser cannot keep the session");
  assert.match(await textOf(page), /Free some space/);
  await lookedAt(page, "full-disk");
});

test("an API that fails", LIMIT, async (t) => {
  const { page, server } = await open(t);
  await server.fault("projects:*:status=503");
  await server.approve(await startSignIn(page));
  await shows(page, "Projects could not be loaded");
  await lookedAt(page, "not-loaded");
  await server.mend();
  await press(page, "Try again");
  await page.waitForSelector("tbody th");
});

async function open(t) {
  const dashboard = await serveDashboard({
    program: EMBEDDED,
    // No token is renewed meanwhile, however long a test takes.
    serverArguments: ["--admin", "--interval", "1", "--access-token-ttl", "3600"],
  });
  const page = patient(await browser.newPage());
  keepConsole(page);
  t.after(async () => {
    await page.close();
    await dashboard.close();
  });
  await page.goto(dashboard.url);
  const { serverUrl } = dashboard;
  return { page, serverUrl, server: admin(serverUrl) };
}

/** By keyboard, up to the window. */
async function pressWindow(page) {
  const opened = new Promise((opened) => page.once("popup", opened));
  await press(page, "In a new window");
  const popup = patient(await opened);
  await shows(popup, "Sign in");
  return popup;
}

/** By keyboard, up to the code. */
async function startSignIn(page) {
  await shows(page, "Sign in to Astropass");
  await press(page, "With a code, on any device");
  await shows(page, "Approve this sign-in");
  return page.$eval(".user-code", ({ textContent }) => textContent);
}

function shows(page, heading) {
  return page.waitForFunction(
    (wanted) => [...document.querySelectorAll("h1, h2")].some((h) => h.textContent === wanted),
    { polling: 50 },
    heading,
  );
}

/** Not before its rows are there: a request under way would be the first to meet what a test does next. */
async function showsProjects(page) {
  await shows(page, "Projects");
  await page.waitForSelector("tbody th");
}

/** Goes to what is called so with the Tab key, and presses it with Enter. */
async function press(page, name) {
  const seen = [];
  for (let tabs = 0; tabs < 40; tabs += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const { activeElement } = document;
      const outline = getComputedStyle(activeElement).outlineStyle;
      return { text: activeElement.textContent.trim().replace(/\s+/g, " "), outline };
    });
    seen.push(focused.text.slice(0, 40));
    if (focused.text !== name && !focused.text.startsWith(`${name} (`)) continue;
    assert.notEqual(focused.outline, "none", `the focus on ${name} cannot be seen`);
    await page.keyboard.press("Enter").catch((error) => {
      // A window may close by that before the key is up.
      if (error.name !== "TargetCloseError") throw error;
    });
    return;
  }
  assert.fail(`the Tab key does not reach ${name}: ${seen.join(" | ")}`);
}

/** axe finds nothing, and there are four pictures of it. */
async function lookedAt(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      await page.setViewport(viewport);
      const where = `${name}-${scheme}-${width}`;
      await page.screenshot({ path: join(PICTURES, `${where}.png`), fullPage: true });
      assert.deepEqual(await violations(page), [], where);
      const overflow = await page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(overflow, 0, `${where} must be scrolled sideways`);
    }
  }
}

async function violations(page) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (values) => {
    const { passes, violations } = await window.axe.run({ runOnly: { type: "tag", values } });
    if (passes.length < 10) throw new Error("axe has looked at next to nothing");
    return violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 120))]);
  }, RULES);
  return found;
}

function textOf(page) {
  return page.evaluate(() => document.body.innerText);
}

function namesStarting(page, start) {
  return page.evaluate((start) =>
    [...document.querySelectorAll("button")]
      .map(({ textContent }) => textContent.trim().replace(/\s+/g, " "))
      .filter((name) => name.startsWith(start)), start);
}
