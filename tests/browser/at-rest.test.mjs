// What the browser leaves on the disk.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./harness/folders.mjs";
import { says } from "./harness/person.mjs";
import { advance, inBrowsers, signIn, token, urlOf } from "./harness/world.mjs";

/** Put into a database of the test's own, in clear, to see that the search finds such a thing. */
const PLANTED = "eyJhbGciOiJFUzI1NiIsInBsYW50ZWQiOnRydWV9.cGxhbnRlZC1ieS10aGUtdGVzdA.4q7W1xZr0";

inBrowsers("no file of the profile has a token in clear", async (world) => {
  const server = await world.embedded();
  const profile = temporaryFolder();
  const browser = await world.launch({ profile });
  const page = await world.tab({ clientId: server.clientId, issuer: server.url }, { browser });
  await signIn(page);
  await advance(301, server, page);
  assert.ok((await token(page)).token);
  await page.evaluate(plant, PLANTED);
  await browser.close();

  const found = searchOf(profile);
  assert.ok(found(PLANTED), "the search does not find what is there");
  const issued = await server.issued();
  assert.ok(issued.length >= 5, "a device code, and two of each token but the ID token");
  assert.equal(issued.filter(found).length, 0, "tokens in clear in the profile");
});

inBrowsers("what waits for a redirect is in clear neither in a file nor in a database", async (world) => {
  const server = await world.embedded();
  const profile = temporaryFolder();
  const browser = await world.launch({ profile });
  const options = { clientId: server.clientId, issuer: server.url };
  const page = await world.tab(options, { browser, before: tellEntropy });
  await page.evaluate(plant, PLANTED);
  // 32 random bytes become the code verifier, and 16 the state (core/src/flow/code.rs).
  const told = new Promise((told) => {
    page.on("console", (line) => /^[0-9a-f]{96}$/.test(line.text()) && told(line.text()));
  });
  await page.evaluate(() => window.leave({ returnTo: "/kept/for/nobody/else" }));
  const entropy = Buffer.from(await told, "hex");
  const verifier = entropy.subarray(0, 32).toString("base64url");
  await says(page, () => document.querySelector("button[value=approve]") !== null);
  const state = new URL(await urlOf(page)).searchParams.get("state");
  assert.equal(state, entropy.subarray(32).toString("base64url"), "that is the one");
  const other = await world.tab(undefined, { browser });
  const { text } = await other.evaluate(dump);
  const secrets = [verifier, "/kept/for/nobody/else"];
  assert.ok(text.includes(PLANTED) && text.includes("login: default"), "what waits is there");
  assert.deepEqual([state, ...secrets].filter((secret) => text.includes(secret)), []);
  await browser.close();

  const found = searchOf(profile);
  assert.ok(found(PLANTED), "the search does not find what is there");
  // The state is in the URL, and so in the history.
  assert.equal(secrets.filter(found).length, 0, "secrets in clear in the profile");
});

inBrowsers("no database has a token in clear, and the key cannot be taken out", async (world) => {
  const server = await world.embedded();
  const page = await world.tab({ clientId: server.clientId, issuer: server.url });
  await signIn(page);
  await page.evaluate(plant, PLANTED);
  const { text, keys } = await page.evaluate(dump);
  assert.ok(text.includes(PLANTED), "the search does not find what is there");
  assert.equal((await server.issued()).filter((secret) => text.includes(secret)).length, 0);
  assert.deepEqual(keys, [{ extractable: false, exported: "InvalidAccessError" }]);
});

/** Whether a text is in a file under the folder. */
function searchOf(folder) {
  const files = filesIn(folder);
  return (text) => files.some((file) => forms(text).some((form) => file.includes(form)));
}

function filesIn(folder) {
  for (;;) {
    try {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    } catch (error) {
      // Parts of a browser outlive it a little, and tidy up.
      if (error.code !== "ENOENT" || !existsSync(folder)) throw error;
    }
  }
}

/** Tells the test, by the console, what a login is made of. */
function tellEntropy() {
  const real = crypto.getRandomValues.bind(crypto);
  crypto.getRandomValues = (bytes) => {
    real(bytes);
    if (bytes.length === 48) {
      console.log(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
    return bytes;
  };
}

/** How a text may stand in a file: the end alone, too, where a store compresses what repeats. */
function forms(text) {
  const parts = [text, text.slice(-24)];
  return parts.flatMap((part) => [Buffer.from(part), Buffer.from(part, "utf16le")]);
}

function plant(text) {
  return new Promise((planted, failed) => {
    const opening = indexedDB.open("planted", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("texts");
    opening.onerror = failed;
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("texts", "readwrite");
      transaction.objectStore("texts").put({ text }, "text");
      transaction.oncomplete = () => planted(opening.result.close());
    };
  });
}

/** All that the origin's databases hold: strings and bytes as text, and the keys. */
async function dump() {
  const texts = [];
  const found = [];
  const walk = (value) => {
    if (value instanceof CryptoKey) return found.push(value);
    if (value instanceof ArrayBuffer) return walk(new Uint8Array(value));
    if (ArrayBuffer.isView(value)) {
      // As they are, and as what is left of two bytes a character.
      const ascii = value.filter((byte) => byte !== 0);
      texts.push(String.fromCharCode(...value), String.fromCharCode(...ascii));
      return undefined;
    }
    if (typeof value === "object" && value !== null) {
      texts.push(...Object.keys(value));
      return Object.values(value).forEach((part) => walk(part));
    }
    return texts.push(String(value));
  };
  walk(await window.records());
  const keys = await Promise.all(found.map(async (key) => ({
    extractable: key.extractable,
    exported: await crypto.subtle.exportKey("raw", key).catch(({ name }) => name),
  })));
  return { text: texts.join("\n"), keys };
}
