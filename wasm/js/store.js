// @ts-check
// One profile's session: in the page's database, or in an object of the caller's.

import { Failure, inTime, now, randomName } from "./page.js";

/** @typedef {import("./database.js").Session} Session */
/** @typedef {import("./database.js").Place} Place */
/**
 * `AstropassStorage` of the npm package.
 *
 * @typedef {object} Storage
 * @property {(key: string) => unknown} get
 * @property {(key: string, value: string) => unknown} set
 * @property {(key: string) => unknown} delete
 */

/** How long any call may take. */
const DEADLINE = 5000;
/** How long a free lock may take. */
const GRANT = 1000;
/** How long to wait for a lock before it is asked for again. */
const RETRY = 3000;

export class Store {
  /**
   * @param {string} key the profile's, with its issuer and client
   * @param {Place} database
   * @param {Storage | undefined} storage instead of it
   */
  constructor(key, database, storage) {
    this.key = key;
    this.place = storage ? new StoragePlace(storage) : database;
  }

  /**
   * Where the database cannot be used, sessions are kept in `memory` from now on; resolves to why.
   * One that has a session is never left: there its failures are told by each call.
   *
   * @param {Storage} memory
   * @param {boolean} thorough also writes, as a login will
   */
  async start(memory, thorough) {
    if (this.place instanceof StoragePlace) return undefined;
    try {
      const found = await this.revision();
      if (thorough && !found) await this.probe();
      return undefined;
    } catch (error) {
      this.place = new StoragePlace(memory);
      return error;
    }
  }

  revision() {
    return settled(this.place.revision(this.key));
  }

  read() {
    return settled(this.place.read(this.key));
  }

  probe() {
    return settled(this.place.probe());
  }

  /**
   * @param {string | undefined} expected
   * @param {string} revision
   * @param {string} text
   */
  save(expected, revision, text) {
    return settled(this.place.write(this.key, expected, { revision, text }));
  }

  /** @param {string} expected */
  clear(expected) {
    return settled(this.place.write(this.key, expected));
  }

  /**
   * Takes the profile's lock, or fails after `millis`. It is held until what this resolves to is
   * called, or the page goes away.
   *
   * @param {Pick<LockManager, "request">} locks
   * @param {number} millis
   * @returns {Promise<() => void>}
   */
  async lock(locks, millis) {
    const end = now() + millis;
    for (;;) {
      const left = end - now();
      try {
        return await this.#request(locks, millis && Math.min(left, RETRY));
      } catch (error) {
        if (!(error instanceof Failure)) throw named(error);
        // Chromium lets go of the locks of a page in its back/forward cache when it is asked for
        // one, and not while somebody waits already.
        if (left <= RETRY) throw new Failure("busy");
      }
    }
  }

  /**
   * @param {Pick<LockManager, "request">} locks
   * @param {number} millis zero to have the lock at once or not at all
   */
  #request(locks, millis) {
    const controller = new AbortController();
    const options = millis ? { signal: controller.signal } : { ifAvailable: true };
    /** @type {Promise<() => void>} */
    const granted = new Promise((resolve, reject) => {
      locks
        .request(`astropass ${this.key}`, options, (lock) => {
          if (!lock || controller.signal.aborted) throw new Failure("busy");
          return new Promise((release) => resolve(() => release(undefined)));
        })
        .catch(reject);
    });
    return inTime(granted, millis || GRANT, () => controller.abort());
  }
}

/** A place in an object of the caller's. It has no transactions. */
class StoragePlace {
  /** @param {Storage} storage */
  constructor(storage) {
    this.storage = storage;
  }

  /** @param {string} key */
  async revision(key) {
    return (await this.read(key))?.revision;
  }

  /**
   * @param {string} key
   * @returns {Promise<Session | undefined>}
   */
  async read(key) {
    const text = await this.storage.get(key);
    if (text === null || text === undefined) return undefined;
    try {
      const { revision } = JSON.parse(String(text));
      return { revision: String(revision), text: String(text) };
    } catch {
      throw new Failure("corrupt", "the storage object gave something else");
    }
  }

  /**
   * @param {string} key
   * @param {string | undefined} expected
   * @param {Session} [session]
   */
  async write(key, expected, session) {
    if ((await this.revision(key)) !== expected) throw new Failure("changed");
    await (session ? this.storage.set(key, session.text) : this.storage.delete(key));
  }

  async probe() {
    const key = `astropass probe ${randomName()}`;
    await this.storage.set(key, key);
    const found = await this.storage.get(key);
    await this.storage.delete(key);
    if (found !== key) throw new Failure("io", "it does not give back what was stored");
  }
}

/**
 * @template T
 * @param {Promise<T>} work
 */
async function settled(work) {
  try {
    return await inTime(work, DEADLINE);
  } catch (error) {
    throw error instanceof Failure ? error : named(error);
  }
}

/**
 * The failure behind a name that IndexedDB or Web Cryptography gives. Only the name is told: what a
 * storage object throws may quote what was stored.
 *
 * @param {unknown} error
 */
function named(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  switch (name) {
    case "QuotaExceededError":
      return new Failure("io", "the browser's quota is used up");
    case "SecurityError":
    case "NotAllowedError":
      return new Failure("denied", name);
    case "VersionError":
      return new Failure("newer");
    default:
      return new Failure("unavailable", name);
  }
}
