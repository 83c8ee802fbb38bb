// Size and speed of the npm package beside its peers, in one table:
//
//   node tests/bench-browser/bench.mjs
//
// Exits with 1 when a bound is missed.

import { loadavg } from "node:os";
import { gzipped, script } from "./bundle.mjs";
import { kilobytes, ours } from "./size.mjs";
import { speed } from "./speed.mjs";

// Microseconds.
const HOT_MOST = 5;

// The class or function that a page starts with.
const PEERS = {
  "@workos-inc/authkit-js": "createClient",
  "oidc-client-ts": "UserManager",
  "@auth0/auth0-spa-js": "Auth0Client",
  "@azure/msal-browser": "PublicClientApplication",
};

let missed = false;
const row = (...columns) => {
  const [first, ...rest] = columns;
  console.log(`  ${first.padEnd(44)}${rest.map((text) => text.padStart(14)).join("")}`.trimEnd());
};
const bound = (met, most) => {
  missed ||= !met;
  return ` at most ${most}  ${met ? "ok" : "missed"}`;
};

await sizes();
await times();
console.log(`\nload of the last minute: ${loadavg()[0].toFixed(2)}`);
if (missed) process.exitCode = 1;

async function sizes() {
  console.log("Size: all that a page loads, esbuild --bundle --minify, gzip -9, 1 KB = 1024 bytes");
  row("", "bytes", "KB");
  const { first, javascript, wasm, login, both, most, met } = await ours();
  row("astropass/url, Astropass", ...size(first), bound(met, kilobytes(most)));
  row("  of it JavaScript", ...size(javascript));
  row("  of it wasm", ...size(wasm));
  row("  when somebody signs in, more", ...size(login));
  row("  with that", ...size(both));
  row("astropass, Astropass (all wasm inlined)", ...size(await exported("Astropass", "astropass")));
  for (const [name, main] of Object.entries(PEERS)) {
    row(`${name}, ${main}`, ...size(await exported(main, name)));
    row(`${name}, all`, ...size(gzipped(await script(`export * from "${name}";`))));
  }
}

async function exported(what, name) {
  return gzipped(await script(`export { ${what} } from "${name}";`));
}

function size(bytes) {
  return [String(bytes), kilobytes(bytes)];
}

async function times() {
  const found = await speed();
  console.log("\nHot: one token after the other, per call");
  row("", "median", "least");
  const hot = (what, name) => {
    const times = found[name].hot.map((milliseconds) => milliseconds * 1000);
    const columns = [micro(median(times)), micro(Math.min(...times))];
    return { what, columns, met: median(times) <= HOT_MOST };
  };
  for (const name of ["astropass-url", "astropass"]) {
    const { what, columns, met } = hot(`${name.replace("-", "/")}, token()`, name);
    row(what, ...columns, bound(met, `${HOT_MOST} µs`));
  }
  for (const { what, columns } of [
    hot("oidc-client-ts, getUser()", "oidc-client-ts"),
    hot("msal-browser, acquireTokenSilent()", "msal-browser"),
  ]) {
    row(what, ...columns);
  }
  console.log("\nCold: a new page with a stored session, until its first token");
  row("", "calls, median", "least", "page, median");
  cold(found, "astropass/url, create() + token()", "astropass-url");
  cold(found, "astropass, create() + token()", "astropass");
  cold(found, "oidc-client-ts, getUser()", "oidc-client-ts");
  cold(found, "msal-browser, initialize() + cached token", "msal-browser");
  console.log("  calls: the library's calls only; page: from navigation, with loading the script.");
  console.log("  Each session is from a login: astropass at the embedded server (IndexedDB),");
  console.log("  oidc-client-ts at npm oidc-provider (localStorage), msal-browser at Microsoft's");
  console.log("  address, answered by this benchmark inside of the browser (localStorage).");
}

function cold(found, what, name) {
  const calls = found[name].cold.map((times) => times.call);
  const page = found[name].cold.map((times) => times.page);
  row(what, milli(median(calls)), milli(Math.min(...calls)), milli(median(page)));
}

function micro(value) {
  return `${value.toFixed(2)} µs`;
}

function milli(value) {
  return `${value.toFixed(2)} ms`;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  return Number.isInteger(middle) ? (sorted[middle - 1] + upper) / 2 : upper;
}
