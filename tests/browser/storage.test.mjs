// When the database fails: the session goes on in memory with a warning, and nothing hangs.

import assert from "node:assert/strict";
import {
  advance,
  create,
  eventually,
  inBrowsers,
  reload,
  signIn,
  signedInTab,
  status,
  token,
} from "./harness/world.mjs";

inBrowsers("no indexedDB: memory, with the reason", async (world) => {
  const page = await memoryOnly(world, () => {
    delete window.indexedDB;
    delete Window.prototype.indexedDB;
  });
  assert.equal(await page.evaluate(() => typeof window.indexedDB), "undefined");
});

inBrowsers("an indexedDB that may not be used: memory, with the reason", async (world) => {
  await memoryOnly(world, () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("The user denied permission", "SecurityError");
    };
  });
});

inBrowsers("an indexedDB that never answers: memory, with the reason", async (world) => {
  await memoryOnly(world, () => {
    const silent = Object.create(IDBOpenDBRequest.prototype, {
      onupgradeneeded: { set() {} },
      onblocked: { set() {} },
      onsuccess: { set() {} },
      onerror: { set() {} },
    });
    silent.addEventListener = () => {};
    IDBFactory.prototype.open = () => silent;
  });
});

inBrowsers("a database that others keep blocked: memory, with the reason", async (world) => {
  const holder = await world.tab();
  // It neither closes when it is asked to, nor does the deletion behind it ever finish.
  await holder.evaluate(async () => {
    window.open = await new Promise((opened) => {
      const opening = indexedDB.open("astropass", 1);
      opening.onsuccess = () => opened(opening.result);
    });
    indexedDB.deleteDatabase("astropass");
  });
  await memoryOnly(world);
});

inBrowsers("a database of a later version is left alone: memory", async (world) => {
  const holder = await world.tab();
  await holder.evaluate(() =>
    new Promise((opened) => {
      const opening = indexedDB.open("astropass", 99);
      opening.onsuccess = () => opened(opening.result.close());
    }));
  const page = await memoryOnly(world);
  const versions = await page.evaluate(async () =>
    (await indexedDB.databases()).map(({ version }) => version));
  assert.deepEqual(versions, [99]);
});

inBrowsers("a database that failed in passing when the page began: the session is there", async (world) => {
  const { options, page } = await signedInTab(world);
  const before = await token(page);
  const late = await world.tab(undefined, { before: () => {
    const open = IDBFactory.prototype.open;
    window.mend = () => (IDBFactory.prototype.open = open);
    IDBFactory.prototype.open = () => {
      throw new DOMException("Internal error", "UnknownError");
    };
  } });
  await create(late, options);
  assert.equal(await late.evaluate(() => auth.state.problem.kind), "storageUnavailable");
  await late.evaluate(() => window.mend());
  assert.deepEqual(await token(late), before);
  const { status, storage, problem } = await late.evaluate(() => auth.state);
  assert.deepEqual({ status, storage, problem }, { status: "signedIn", storage: "indexeddb", problem: undefined });
});

inBrowsers("a full disk at login: nobody approves in vain", async (world) => {
  const server = await world.embedded();
  const page = await world.tab(
    { clientId: server.clientId, issuer: server.url },
    { before: fullDisk },
  );
  await page.evaluate(() => (window.full = true));
  const shown = await page.evaluate(() => window.login());
  const { storage, problem } = await page.evaluate(() => ({
    storage: auth.state.storage,
    problem: auth.state.problem?.kind,
  }));
  // Either it says so before it shows a code, or it has gone on in memory and says that.
  if (shown.userCode === undefined) assert.match(shown.code, /^store_/);
  else assert.deepEqual({ storage, problem }, { storage: "memory", problem: "storageUnavailable" });
});

inBrowsers("a full disk at a refresh: the token is not lost, and it says so", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options, { before: fullDisk });
  await signIn(page);
  await advance(301, server, page);
  await page.evaluate(() => (window.full = true));
  const asked = await token(page);
  const problem = await page.evaluate(() => auth.state.problem?.kind);
  // Rule 3: no refresh where it cannot be saved, or a token with a warning.
  if (asked.token === undefined) {
    assert.match(asked.code, /^store_/);
    assert.equal((await server.stats()).refreshes, 0);
  } else {
    assert.equal(problem, "notSaved");
  }
  assert.equal(await status(page), "signedIn");
  await page.evaluate(() => (window.full = false));
  const saved = await token(page);
  assert.ok(saved.token, JSON.stringify(saved));
  await reload(page);
  await page.evaluate(() => window.advance(301));
  await create(page, options);
  assert.deepEqual(await token(page), saved);
});

inBrowsers("the origin's real quota is used up at a refresh", async (world) => {
  const { server, page } = await signedInTab(world);
  const devtools = await page.createCDPSession();
  const { origin } = world.site;
  await advance(301, server, page);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
  const asked = await token(page);
  assert.ok(asked.token !== undefined || /^store_/.test(asked.code), JSON.stringify(asked));
  assert.equal(await status(page), "signedIn");
  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  assert.ok((await token(page)).token);
}, ["chromium"]);

inBrowsers("the database deleted under a running page", async (world) => {
  const { server, options, page } = await signedInTab(world);
  await deleteDatabase(page);
  await advance(301, server, page);
  assert.equal((await token(page)).code, "not_signed_in");
  await signsInAgain(page, options);
});

inBrowsers("the database deleted while a refresh is under way", async (world) => {
  const { server, options, page } = await signedInTab(world);
  await advance(301, server, page);
  await page.evaluate(() => {
    keepAnswers();
    window.asked = window.outcome(window.auth.token());
  });
  await eventually(server.stats, ({ refreshes }) => refreshes === 1);
  await deleteDatabase(page);
  await page.evaluate(() => goOn());
  const { code } = await page.evaluate(() => window.asked);
  assert.equal(code, "not_signed_in");
  await signsInAgain(page, options);
});

inBrowsers("the site's data cleared under a running page", async (world) => {
  const { server, options, page } = await signedInTab(world);
  const devtools = await page.createCDPSession();
  const { origin } = world.site;
  await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
  await advance(301, server, page);
  assert.equal((await token(page)).code, "not_signed_in");
  await signsInAgain(page, options);
}, ["chromium"]);

inBrowsers("a page without a secure context: memory, with the reason", async (world) => {
  await memoryOnly(world, () => {
    // What such a page lacks.
    delete Crypto.prototype.subtle;
    delete Navigator.prototype.locks;
  });
});

inBrowsers("a private window", async (world) => {
  const browser = await world.launch({
    preferences: { "browser.privatebrowsing.autostart": true },
  });
  const window = world.kind === "chromium" ? await browser.createBrowserContext() : browser;
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options, { browser: window });
  await signIn(page);
  const before = await token(page);
  await reload(page);
  await create(page, options);
  // Both browsers give private windows a database that ends with the window.
  assert.deepEqual(await token(page), before);
});

inBrowsers("memory, if asked for", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url, storage: "memory" };
  const page = await world.tab(options);
  await signIn(page);
  assert.equal(await page.evaluate(() => auth.state.problem), undefined);
  assert.deepEqual(await page.evaluate(() => indexedDB.databases()), []);
  await reload(page);
  await create(page, options);
  assert.equal((await token(page)).code, "not_signed_in");
});

inBrowsers("a storage object of the page's own", async (world) => {
  const server = await world.embedded();
  const page = await world.tab();
  const createStored = (options) =>
    window.create({
      ...options,
      storage: {
        get: (key) => localStorage.getItem(key),
        set: (key, value) => localStorage.setItem(key, value),
        delete: (key) => localStorage.removeItem(key),
      },
    });
  const options = { clientId: server.clientId, issuer: server.url };
  await page.evaluate(createStored, options);
  assert.equal(await page.evaluate(() => auth.state.storage), "custom");
  await signIn(page);
  const before = await token(page);
  await reload(page);
  await page.evaluate(createStored, options);
  assert.deepEqual(await token(page), before);
  assert.deepEqual(await page.evaluate(() => auth.logout()), { revoked: true });
  assert.equal(await page.evaluate(() => localStorage.length), 0);
});

/** Signs in where there is no database, and renews; `before` breaks it. */
async function memoryOnly(world, before) {
  const server = await world.embedded();
  const page = await world.tab({ clientId: server.clientId, issuer: server.url }, { before });
  await signIn(page);
  const { storage, problem } = await page.evaluate(() => window.auth.state);
  assert.equal(storage, "memory");
  assert.equal(problem?.kind, "storageUnavailable");
  await advance(301, server, page);
  assert.ok((await token(page)).token);
  assert.equal((await server.stats()).refreshes, 1);
  return page;
}

async function signsInAgain(page, options) {
  assert.equal(await status(page), "signedOut");
  await signIn(page);
  const before = await token(page);
  await reload(page);
  await page.evaluate(() => window.advance(301));
  await create(page, options);
  assert.deepEqual(await token(page), before);
}

function deleteDatabase(page) {
  return page.evaluate(() =>
    new Promise((deleted, failed) => {
      const request = indexedDB.deleteDatabase("astropass");
      request.onsuccess = () => deleted(true);
      request.onerror = request.onblocked = () => failed(new Error("not deleted"));
    }));
}

/** Stores nothing more once `window.full` is set, as where the disk is full. */
function fullDisk() {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...given) {
    if (!window.full) return put.apply(this, given);
    throw new DOMException("The quota has been exceeded", "QuotaExceededError");
  };
}
