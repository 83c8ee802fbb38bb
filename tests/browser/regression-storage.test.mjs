// What was broken once where sessions are stored.

import assert from "node:assert/strict";
import {
  advance,
  create,
  inBrowsers,
  loggedIn,
  reload,
  signIn,
  signInAt,
  signedInTab,
  startLogin,
  status,
  token,
} from "./harness/world.mjs";

inBrowsers("a passing failure of the database signed a tab out at a cancelled login", async (world) => {
  const { page } = await signedInTab(world);
  const after = await page.evaluate(async () => {
    const before = await auth.token();
    const { get } = IDBObjectStore.prototype;
    let failures = 1;
    IDBObjectStore.prototype.get = function (...args) {
      if (failures-- > 0) throw new DOMException("", "NotReadableError");
      return get.apply(this, args);
    };
    const controller = new AbortController();
    const login = auth.login({ onPrompt: () => controller.abort(), signal: controller.signal });
    await login.catch(() => {});
    const { storage, status } = auth.state;
    return { same: (await auth.token()) === before, storage, status };
  });
  assert.deepEqual(after, { same: true, storage: "indexeddb", status: "signedIn" });
});

inBrowsers("a store that failed for a moment was shown as signed out", async (world) => {
  const { page } = await signedInTab(world);
  const states = await page.evaluate(async () => {
    const { get } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.get = () => {
      throw new DOMException("", "NotReadableError");
    };
    window.states.length = 0;
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
    while (!window.states.some(({ problem }) => problem)) {
      await new Promise((next) => setTimeout(next));
    }
    IDBObjectStore.prototype.get = get;
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
    while (window.states.at(-1).problem) await new Promise((next) => setTimeout(next));
    return window.states.map(({ status }) => status);
  });
  assert.deepEqual([...new Set(states)], ["signedIn"]);
});

inBrowsers("what was set aside as corrupt made the next login fail after its approval", async (world) => {
  const { options, page } = await signedInTab(world);
  await page.evaluate(loseSealingKey);
  await reload(page);
  await create(page, options);
  assert.equal(await status(page), "signedOut");
  await signIn(page);
  assert.ok((await token(page)).token);
});

inBrowsers("a storage object with something else in it could not be signed in to", async (world) => {
  const server = await world.embedded("--auto-approve");
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  const result = await page.evaluate(
    async ({ clientId, url }) => {
      const kept = new Map();
      const storage = {
        get: (key) => kept.get(key) ?? (key.startsWith("default ") && !kept.size ? "{" : null),
        set: (key, value) => void kept.set(key, value),
        delete: (key) => void kept.delete(key),
      };
      const other = await Astropass.create({ clientId, issuer: url, storage });
      await other.login({ onPrompt: () => {} });
      const keys = [...kept.keys()].map((key) => key.split(" ")[0]).sort();
      return { status: other.state.status, keys };
    },
    { clientId: server.clientId, url: server.url },
  );
  assert.deepEqual(result, { status: "signedIn", keys: ["corrupt", "default"] });
});

inBrowsers("what a tab left that was closed in the middle of a probe stayed for good", async (world) => {
  const server = await world.embedded("--auto-approve");
  const page = await world.tab();
  const left = await page.evaluate(
    async ({ clientId, url }) => {
      const kept = new Map();
      const object = {
        get: (key) => kept.get(key),
        set: (key, value) => void kept.set(key, value),
        delete: (key) => void kept.delete(key),
      };
      const places = [
        ["indexeddb", IDBObjectStore.prototype, records],
        [object, object, () => [...kept]],
      ];
      const counts = [];
      for (const [storage, broken, all] of places) {
        const count = async () => (await all()).filter(([key]) => key.includes("probe ")).length;
        const options = { clientId, issuer: url, storage };
        const own = await Astropass.create(options);
        await own.login({ onPrompt: () => {} });
        window.advance(301);
        const { delete: remove } = broken;
        broken.delete = () => {
          throw new DOMException("", "NotReadableError");
        };
        await outcome(own.token());
        await outcome((await Astropass.create(options)).token());
        counts.push(await count());
        broken.delete = remove;
        await (await Astropass.create(options)).token();
        counts.push(await count());
      }
      return counts;
    },
    { clientId: server.clientId, url: server.url },
  );
  assert.deepEqual(left, [1, 0, 1, 0]);
});

inBrowsers("what was set aside as corrupt piled up", async (world) => {
  const server = await world.embedded("--auto-approve");
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options);
  for (let round = 0; round < 3; round += 1) {
    await startLogin(page);
    assert.deepEqual(await loggedIn(page), { value: null });
    await page.evaluate(loseSealingKey);
    await reload(page);
    await create(page, options);
  }
  const keys = await page.evaluate(async () => (await window.records()).map(([key]) => key));
  assert.equal(keys.filter((key) => key.startsWith("corrupt ")).length, 1, String(keys));
});

function loseSealingKey() {
  return new Promise((lost) => {
    const opening = indexedDB.open("astropass");
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("sessions", "readwrite");
      transaction.objectStore("sessions").delete("sealing key");
      transaction.oncomplete = () => lost(opening.result.close());
    };
  });
}

inBrowsers("a look that took long showed a session again that had been signed out", async (world) => {
  const server = await world.embedded("--auto-approve");
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  const shown = await page.evaluate(
    async ({ clientId, url }) => {
      const kept = new Map();
      let reads = 0;
      let answer = () => {};
      const storage = {
        get: async (key) => {
          const found = kept.get(key);
          reads += 1;
          // The session itself; the read before it was of the revision.
          if (reads === 2) await new Promise((answered) => (answer = answered));
          return found;
        },
        set: (key, value) => void kept.set(key, value),
        delete: (key) => void kept.delete(key),
      };
      const look = () => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
      const turns = async () => {
        for (let turn = 0; turn < 20; turn += 1) await new Promise((next) => setTimeout(next));
      };
      const other = await Astropass.create({ clientId, issuer: url, storage });
      await other.login({ onPrompt: () => {} });
      const [key] = kept.keys();
      // Another tab refreshes the session, and then ends it.
      kept.set(key, JSON.stringify({ ...JSON.parse(kept.get(key)), revision: "another" }));
      reads = 0;
      look();
      while (reads < 2) await turns();
      kept.clear();
      look();
      await turns();
      answer();
      while (other.state.status !== "signedOut") await turns();
      await turns();
      return other.state.status;
    },
    { clientId: server.clientId, url: server.url },
  );
  assert.equal(shown, "signedOut");
});

inBrowsers("a failed login lost the tokens of a refresh that could not be stored either", async (world) => {
  const server = await world.embedded("--access-token-ttl", "300");
  const page = await world.tab();
  await createAtStorage(page, server);
  await signInAt(server, page);
  await page.evaluate(() => {
    const [key] = kept.keys();
    kept.set(key, JSON.stringify({ ...JSON.parse(kept.get(key)), news: "of a later version" }));
    window.isFull = true;
  });
  await advance(301, server, page);
  assert.ok((await token(page)).token);
  assert.equal(await page.evaluate(() => auth.state.problem.kind), "notSaved");
  const { userCode } = await startLogin(page);
  await server.approve(userCode);
  assert.equal((await loggedIn(page)).code, "store_io");
  await page.evaluate(() => (window.isFull = false));
  await advance(301, server, page);
  assert.ok((await token(page)).token);
  assert.equal(await status(page), "signedIn");
  const record = await page.evaluate(() => JSON.parse([...kept.values()][0]));
  assert.equal(record.news, "of a later version");
});

inBrowsers("a page acted as another user while its own login was being stored", async (world) => {
  const server = await world.embedded("--interval", "1");
  const page = await world.tab();
  await createAtStorage(page, server);
  await signInAt(server, page);
  // As in another tab.
  await page.evaluate(async () => {
    window.first = auth;
    await window.create(window.options);
  });
  await signInAt(server, page, "grace@example.com");
  await page.evaluate(() => {
    window.auth = window.first;
    hold();
  });
  await advance(2, page);
  assert.equal((await token(page)).code, "session_changed");

  const { userCode } = await startLogin(page);
  await server.approve(userCode);
  await page.evaluate(() => {
    window.storing = new Promise((fail) => (window.fail = fail)).then(() => (window.isFull = true));
  });
  await advance(1, page);
  await page.evaluate(() => window.stores);
  assert.equal((await token(page)).code, "session_changed");
  await page.evaluate(() => {
    release();
    window.fail();
  });
  assert.equal((await loggedIn(page)).code, "store_io");
  assert.equal((await token(page)).code, "session_changed");
  assert.equal(await status(page), "sessionChanged");
});

inBrowsers("a login in place of another stored the endpoints of that one", async (world) => {
  const server = await world.embedded();
  const page = await world.tab();
  await page.evaluate((options) => {
    const fetch = lacking("/.well-known/", "revocation_endpoint");
    window.options = { ...options, fetch };
    return window.create(window.options);
  }, at(server));
  await signIn(page);
  await page.evaluate(() => (window.lacks = false));
  await signIn(page);
  await page.evaluate(() => window.create(window.options));
  assert.deepEqual(await page.evaluate(() => auth.logout()), { revoked: true });
});

/** A session in an object of the page's, which may be full, or wait until `storing`. */
function createAtStorage(page, server) {
  return page.evaluate(async (options) => {
    window.kept = new Map();
    const storage = { get: (key) => kept.get(key), delete: (key) => void kept.delete(key) };
    window.stores = new Promise((begins) => {
      storage.set = async (key, value) => {
        if (!key.includes("probe")) {
          if (window.storing) begins();
          await window.storing;
          if (window.isFull) throw new DOMException("", "QuotaExceededError");
        }
        kept.set(key, value);
      };
    });
    window.options = { ...options, storage };
    await window.create(window.options);
  }, at(server));
}

function at({ url, clientId }) {
  return { clientId, issuer: url };
}
