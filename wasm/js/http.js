// @ts-check
import { Failure, inTime } from "./page.js";

/**
 * Sends a request and reads the answer, all in `millis` and with a body of at most `maxBody` bytes.
 * A redirect is never followed. It is not "error", since WorkOS's sign-out ends in a redirect, and
 * since workerd has no such thing.
 *
 * @param {(request: Request) => Promise<Response>} fetch
 * @param {string} url
 * @param {RequestInit} init
 * @param {number} millis
 * @param {number} maxBody
 */
export function exchange(fetch, url, init, millis, maxBody) {
  const controller = new AbortController();
  const request = { ...init, redirect: /** @type {const} */ ("manual"), signal: controller.signal };
  // A caller's own `fetch` may not look at the signal.
  return inTime(received(fetch, url, request, maxBody), millis, () => controller.abort());
}

/**
 * @param {(request: Request) => Promise<Response>} fetch
 * @param {string} url
 * @param {RequestInit} init
 * @param {number} maxBody
 */
async function received(fetch, url, init, maxBody) {
  let response;
  try {
    response = await fetch(new Request(url, init));
  } catch {
    // `fetch` says only that it failed, and a caller's own may say too much.
    if (globalThis.navigator?.onLine === false) throw new Failure("offline", "offline");
    throw new Failure("hidden", "or the server does not let this origin read its answers: CORS");
  }
  const body = await bytes(response, maxBody);
  // Both are hidden from a page unless the server exposes them.
  const date = seconds(response.headers.get("date"));
  const retryAfter = response.headers.get("retry-after") ?? "";
  return {
    // A page is not shown which redirect it was.
    status: response.type === "opaqueredirect" ? 302 : response.status,
    body,
    date,
    retryAfter: /^\d+$/.test(retryAfter)
      ? Number(retryAfter)
      : (seconds(retryAfter) ?? NaN) - (date ?? Date.now() / 1000),
  };
}

/**
 * @param {Response} response
 * @param {number} maxBody
 */
async function bytes(response, maxBody) {
  const chunks = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const chunk = await reader?.read().catch(() => {
      throw new Failure("broken");
    });
    if (!chunk?.value) break;
    size += chunk.value.length;
    if (size > maxBody) {
      // It may go on for ever.
      reader?.cancel().catch(() => {});
      throw new Failure("tooLarge");
    }
    chunks.push(chunk.value);
  }
  const body = new Uint8Array(size);
  let end = 0;
  for (const chunk of chunks) {
    body.set(chunk, end);
    end += chunk.length;
  }
  return body;
}

/**
 * A date of HTTP as seconds since 1970.
 *
 * @param {string | null} date
 */
function seconds(date) {
  const millis = Date.parse(date ?? "");
  return Number.isNaN(millis) ? undefined : Math.floor(millis / 1000);
}
