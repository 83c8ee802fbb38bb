// The same session in workers.

import assert from "node:assert/strict";
import { advance, fingerprint, inBrowsers, signIn, token } from "./harness/world.mjs";

const KINDS = {
  dedicated: () => {
    const worker = new Worker("/worker.mjs", { type: "module" });
    worker.onmessage = ({ data }) => window.answered(data);
    worker.onerror = ({ message }) => window.answered({ message: `no worker: ${message}` });
    return worker;
  },
  shared: () => {
    const worker = new SharedWorker("/worker.mjs", { type: "module" });
    const { port } = worker;
    worker.onerror = ({ message }) => window.answered({ message: `no worker: ${message}` });
    port.onmessage = ({ data }) => window.answered(data);
    return port;
  },
  service: async () => {
    navigator.serviceWorker.onmessage = ({ data }) => window.answered(data);
    const options = { type: "module", scope: "/", updateViaCache: "all" };
    await navigator.serviceWorker.register("/worker.mjs", options);
    return (await navigator.serviceWorker.ready).active;
  },
};

for (const [kind, worker] of Object.entries(KINDS)) {
  inBrowsers(`a ${kind} worker shares the session and renews it`, async (world) => {
    const server = await world.embedded();
    const options = { clientId: server.clientId, issuer: server.url };
    const page = await world.tab(options);
    await signIn(page);
    await start(page, worker);
    const first = await ask(page, options, 0);
    assert.deepEqual(first, await token(page));
    await advance(301, server, page);
    const second = await ask(page, options, 301);
    assert.ok(second.token, JSON.stringify(second));
    assert.notDeepEqual(second, first);
    assert.deepEqual(await token(page), second);
    assert.equal((await server.stats()).refreshes, 1);
  });
}

inBrowsers("what only a page can do threw a bare ReferenceError in a worker", async (world) => {
  const server = await world.embedded();
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab();
  await start(page, KINDS.dedicated);
  const callback = `${world.site.origin}/?code=1&state=${"A".repeat(22)}`;
  const calls = { loginWithRedirect: [], loginWithPopup: [], handleRedirect: [callback] };
  for (const [method, given] of Object.entries(calls)) {
    const { code, message } = await answered(page, { options, ahead: 0, method, given });
    assert.equal(code, "misuse", `${method}: ${message}`);
  }
  const none = await answered(page, { options, ahead: 0, method: "handleRedirect" });
  assert.equal(none.message, undefined, "no answer, nothing to do");
});

/** Has `window.worker` started in the page. */
function start(page, worker) {
  return page.evaluate(`(async () => void (window.worker = await (${worker})()))()`);
}

async function ask(page, options, ahead) {
  const { value, ...failure } = await answered(page, { options, ahead });
  return value === undefined ? failure : { token: fingerprint(value) };
}

/** What the page's worker answers to a message. */
function answered(page, message) {
  return page.evaluate((message) =>
    new Promise((answered) => {
      window.answered = answered;
      window.worker.postMessage(message);
    }), message);
}
