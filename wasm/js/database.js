// @ts-check
// Sessions in IndexedDB, encrypted with a key that scripts can use but not read.

import { Failure, randomName } from "./page.js";

/** @typedef {{ revision: string, text: string }} Session */
/** @typedef {{ revision: string, iv: BufferSource, text: BufferSource }} Sealed */
/** @typedef {{ id: string, key: CryptoKey }} SealingKey */
/** @typedef {typeof place} Place where sessions are */
/** @typedef {{ expected: string | undefined, put?: Sealed, key?: SealingKey, aside?: string }} Change */

const place = { revision, read, write, probe };

export function database() {
  return place;
}

/** The database, and its one object store: the sessions, and the key that seals them. */
const NAME = "astropass";
const STORE = "sessions";
const SEALING_KEY = "sealing key";

/** @type {Promise<IDBDatabase> | undefined} */
let connection;
/**
 * The key in the database as it was last seen, or a new one.
 *
 * @type {SealingKey | undefined}
 */
let sealingKey;

/**
 * The revision of what could not be read.
 *
 * @type {string | undefined}
 */
let setAside;

/** @param {string} name */
async function revision(name) {
  return (await transact(name)).found?.revision;
}

/**
 * @param {string} name
 * @returns {Promise<Session | undefined>}
 */
async function read(name) {
  const { found, key } = await transact(name);
  if (!found) return undefined;
  const { revision } = found;
  try {
    if (!key) throw new DOMException("", "OperationError");
    const text = await crypto.subtle.decrypt(cipher(found.iv, name, revision), key.key, found.text);
    return { revision, text: new TextDecoder().decode(text) };
  } catch (error) {
    // What Web Cryptography calls a text that was changed, or sealed with another key.
    if (nameOf(error) !== "OperationError") throw error;
    setAside = revision;
    await transact(name, { expected: revision, aside: `corrupt ${name}` });
    throw new Failure("corrupt", "they cannot be decrypted, and were set aside");
  }
}

/**
 * Puts `session` in the place of the one at `expected`, or removes that.
 *
 * @param {string} name
 * @param {string | undefined} expected
 * @param {Session} [session]
 */
async function write(name, expected, session) {
  // What was set aside since it was looked at is gone.
  if (expected === setAside) expected = undefined;
  for (;;) {
    // Made before the transaction, which would not wait for it.
    const key = session && (sealingKey ??= await newKey());
    const put = session && key && (await seal(key, name, session));
    const { found, key: stored } = await transact(name, { expected, put, key });
    // Done already, by an attempt that failed after its work.
    if (found?.revision === session?.revision) return;
    if (found?.revision !== expected) throw new Failure("changed");
    if (!put || !stored || stored.id === key?.id) return;
    // Another tab's key came first: once more, with that one.
  }
}

/**
 * Seals, writes, reads back and deletes something, for who has the lock of what is under `name`.
 *
 * @param {string} name
 */
async function probe(name) {
  const text = `probe ${name}`;
  const mine = randomName();
  // A page that was closed meanwhile has left one.
  await write(text, await revision(text), { revision: mine, text });
  const found = await read(text);
  await write(text, mine);
  if (found?.text !== text) throw new Failure("io", "what was written is not there");
}

/** @returns {Promise<SealingKey>} */
async function newKey() {
  const algorithm = { name: "AES-GCM", length: 256 };
  const key = await crypto.subtle.generateKey(algorithm, false, ["encrypt", "decrypt"]);
  return { id: randomName(), key };
}

/**
 * @param {SealingKey} key
 * @param {string} name
 * @param {Session} session
 * @returns {Promise<Sealed>}
 */
async function seal({ key }, name, { revision, text }) {
  // NIST SP 800-38D, section 8.2.2: 96 random bits, new for each text.
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(text);
  return { revision, iv, text: await crypto.subtle.encrypt(cipher(iv, name, revision), key, plain) };
}

/**
 * A text opens only under the name and the revision that it was sealed for.
 *
 * @param {BufferSource} iv
 * @param {string} name
 * @param {string} revision
 */
function cipher(iv, name, revision) {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(`1 ${revision} ${name}`) };
}

/**
 * Reads what is under `name`, and makes the change if that still is what the change expects.
 *
 * @param {string} name
 * @param {Change} [change]
 */
async function transact(name, change) {
  try {
    return await attempt(name, change);
  } catch (error) {
    // The connection was closed under a running page: for another tab, or by the browser.
    if (!["InvalidStateError", "AbortError", "UnknownError"].includes(nameOf(error))) throw error;
    connection = undefined;
    return attempt(name, change);
  }
}

/**
 * @param {string} name
 * @param {Change} [change]
 */
async function attempt(name, change) {
  const database = await (connection ??= connect());
  // Rule 3: on the disk, not only with the operating system.
  const transaction = database.transaction(STORE, change ? "readwrite" : "readonly", {
    durability: "strict",
  });
  const completed = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  // Awaited only where something is written; a failed read says so by itself.
  completed.catch(() => {});
  const store = transaction.objectStore(STORE);
  /** @type {[Sealed | undefined, SealingKey | undefined]} */
  const [found, key] = await Promise.all([
    answered(store.get(name)),
    answered(store.get(SEALING_KEY)),
  ]);
  if (key) sealingKey = key;
  if (change && found?.revision === change.expected) {
    if (change.aside) store.put(found, change.aside);
    if (!change.put) {
      store.delete(name);
    } else if (!key || key.id === change.key?.id) {
      if (!key) store.put(change.key, SEALING_KEY);
      store.put(change.put, name);
    }
    await completed;
  }
  return { found, key };
}

async function connect() {
  try {
    if (!globalThis.indexedDB) throw new Failure("unavailable", "no indexedDB here, so give a storage");
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    const database = await answered(request);
    database.onclose = () => (connection = undefined);
    // Another tab may delete or upgrade it; here it is opened again when it is needed.
    database.onversionchange = () => {
      connection = undefined;
      database.close();
    };
    return database;
  } catch (error) {
    connection = undefined;
    throw error;
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {unknown} error */
export function nameOf(error) {
  return error instanceof Error || error instanceof DOMException ? error.name : "";
}
