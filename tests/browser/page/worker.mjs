// In a dedicated, shared or service worker: asks for a token, or calls another method, and tells how
// that went.

import "/clock.mjs";
import { Astropass } from "/astropass.mjs";

let auth;

// A dedicated worker is spoken to by itself, a shared one by the port of each page.
globalThis.addEventListener("message", (event) => {
  const answered = answer(event.data, event.source ?? globalThis);
  // A service worker lives only as long as it has something to do.
  event.waitUntil?.(answered);
});
globalThis.addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = ({ data }) => answer(data, port);
});
globalThis.addEventListener("install", () => globalThis.skipWaiting());
globalThis.addEventListener("activate", (event) => event.waitUntil(globalThis.clients.claim()));

async function answer({ options, ahead, method = "token", given = [] }, asker) {
  try {
    auth ??= await Astropass.create(options);
    globalThis.advance(ahead);
    asker.postMessage({ value: await auth[method](...given) });
  } catch (error) {
    asker.postMessage({ code: error.code, message: String(error) });
  }
}
