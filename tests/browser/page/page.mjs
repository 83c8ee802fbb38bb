// What the tests call in a page, by `page.evaluate`.

import "/clock.mjs";
import { Astropass, AstropassError } from "/astropass.mjs";

Object.assign(window, {
  Astropass,
  AstropassError,
  states: [],
  create,
  keepAnswers,
  lacking,
  login,
  leave,
  outcome,
  popup,
  records,
  until,
});

async function create(options) {
  window.auth = await window.Astropass.create(options);
  window.auth.subscribe((state) => window.states.push(state));
}

/** Starts a login and gives what there is to show; how it went is in `window.loggedIn`. */
function login(options) {
  return new Promise((show) => {
    window.loggedIn = outcome(window.auth.login({ onPrompt: show, ...options }));
    // A login that ends before there was anything to show.
    window.loggedIn.then(show);
  });
}

/** Goes to the provider; why not, if the page stays, is in `window.left`. */
function leave(options) {
  window.left = outcome(window.auth.loginWithRedirect(options));
}

/** Signs in by a window; how it went is in `window.loggedIn`. */
function popup(options) {
  window.loggedIn = outcome(window.auth.loginWithPopup(options));
}

/** How a promise went, as something that can leave the page. */
function outcome(promise) {
  return Promise.resolve(promise).then(
    (value) => ({ value: value ?? null }),
    (error) => ({
      code: error?.code,
      name: error?.name,
      message: error?.message,
      ours: error instanceof window.AstropassError,
    }),
  );
}

/** `fetch`, but for what answers at URLs with `part` in them say of `field`, while `window.lacks`. */
function lacking(part, field) {
  window.lacks = true;
  const { fetch } = window;
  return async (request) => {
    const response = await fetch(request);
    if (!window.lacks || !request.url.includes(part)) return response;
    const { [field]: _, ...rest } = await response.json();
    return Response.json(rest, { status: response.status });
  };
}

/** Waits until the session's state is this one. */
function until(status) {
  return new Promise((reached) => {
    let stop;
    stop = window.auth.subscribe((state) => {
      if (state.status !== status) return;
      reached(true);
      queueMicrotask(() => stop());
    });
  });
}

/** Time stands still, and answers are kept from the session, until `window.goOn()`. */
function keepAnswers() {
  const { fetch } = window;
  hold();
  const gone = new Promise((go) => (window.goOn = () => go(release())));
  window.fetch = async (request) => {
    const response = await fetch(request);
    await gone;
    return response;
  };
}

/** All that the origin's databases hold, as keys and values. */
async function records() {
  const settled = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name));
    for (const name of database.objectStoreNames) {
      const store = database.transaction(name).objectStore(name);
      const all = [settled(store.getAllKeys()), settled(store.getAll())];
      const [keys, values] = await Promise.all(all);
      found.push(...keys.map((key, at) => [key, values[at]]));
    }
    database.close();
  }
  return found;
}
