// A provider that is nowhere but in this page, and a program that knows no more of the package's
// database than npm/STORAGE.md says.

const ISSUER = "https://issuer.example";
const CLIENT = "client_1";
const KEY = `default ${ISSUER} ${CLIENT}`;
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  device_authorization_endpoint: `${ISSUER}/device`,
  token_endpoint: `${ISSUER}/token`,
  revocation_endpoint: `${ISSUER}/revoke`,
  userinfo_endpoint: `${ISSUER}/me`,
};
const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder() };

/** What was asked of the provider: each request's path and form. */
export const asked = [];
/** What its tokens are called, by what they were asked with. */
const TOKENS = { refresh_token: "refreshed", authorization_code: "redirected" };

/** Creates `window.auth` at the provider. */
export async function begin() {
  await window.create({ clientId: CLIENT, issuer: ISSUER, fetch: answer });
}

async function answer(request) {
  const { pathname } = new URL(request.url);
  const form = Object.fromEntries(new URLSearchParams(await request.text()));
  asked.push({ pathname, ...form });
  switch (pathname) {
    case "/device":
      return Response.json({
        device_code: "device-code",
        user_code: "ABCD-EFGH",
        verification_uri: `${ISSUER}/activate`,
        expires_in: 300,
        interval: 1,
      });
    case "/token": {
      const claims = { iss: ISSUER, aud: CLIENT, sub: "user_1", exp: 4102444800 };
      const id_token = `e30.${base64url(utf8.encoder.encode(JSON.stringify(claims)))}.e30`;
      const name = TOKENS[form.grant_type] ?? "stored";
      const tokens = { access_token: `access-${name}`, refresh_token: `refresh-${name}`, id_token };
      await window.answering;
      return Response.json({ ...tokens, token_type: "Bearer", expires_in: 300 });
    }
    case "/me":
      return Response.json({ sub: "user_1", email: "ada@example.com", name: "Ada Lovelace" });
    default:
      return Response.json(METADATA);
  }
}

/** A database with the key that `raw` is, and with these sealed records. */
export async function restore({ key, records = {} }) {
  const raw = bytes(key.raw);
  const sealing = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  const store = await open("readwrite");
  store.put({ id: key.id, key: sealing }, "sealing key");
  for (const [name, { revision, iv, text }] of Object.entries(records)) {
    store.put({ revision, iv: bytes(iv), text: bytes(text).buffer }, name);
  }
  await committed(store);
}

/** All that is stored: the database, the key's name, the records as they are, and what is in them. */
export async function stored() {
  const databases = await indexedDB.databases();
  const { transaction } = await open("readonly");
  const stores = [...transaction.db.objectStoreNames];
  transaction.db.close();
  const all = new Map(await window.records());
  const { id, key, ...more } = all.get("sealing key");
  all.delete("sealing key");
  const { usages, extractable } = key;
  const records = {};
  const opened = {};
  for (const [name, { revision, iv, text, ...more }] of all) {
    // There for a moment.
    if (name.startsWith("probe ")) continue;
    const plain = await crypto.subtle.decrypt(cipher(iv, revision, name), key, text);
    opened[name] = JSON.parse(utf8.decoder.decode(plain));
    records[name] = { revision, iv: base64url(iv), text: base64url(new Uint8Array(text)), ...more };
  }
  const algorithm = { ...key.algorithm };
  return { databases, stores, key: { id, algorithm, usages, extractable, ...more }, records, opened };
}

/** Stores a session as another version of the package would. */
export async function write(session) {
  const reading = await open("readonly");
  const { key } = await settled(reading.get("sealing key"));
  reading.transaction.db.close();
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = utf8.encoder.encode(JSON.stringify(session));
  const { revision } = session;
  const text = await crypto.subtle.encrypt(cipher(iv, revision, KEY), key, plain);
  const store = await open("readwrite");
  store.put({ revision, iv, text }, KEY);
  await committed(store);
}

function cipher(iv, revision, name) {
  return { name: "AES-GCM", iv, additionalData: utf8.encoder.encode(`1 ${revision} ${name}`) };
}

async function open(mode) {
  const opening = indexedDB.open("astropass", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("sessions");
  const database = await settled(opening);
  return database.transaction("sessions", mode).objectStore("sessions");
}

async function committed({ transaction }) {
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = reject;
  });
  transaction.db.close();
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function bytes(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function base64url(array) {
  const text = btoa(String.fromCharCode(...array));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
