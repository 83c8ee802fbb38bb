// @ts-check
// One profile's session: in the page's database, in an object of the caller's, or in memory.

import { nameOf } from "./database.js";
import { Failure, Locks, inTime, now } from "./page.js";

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

/** @typedef {{ request(name: string, options: LockOptions, callback: (lock: Lock | null) => unknown): Promise<unknown> }} LockSource */

/** How long any call may take. */
const DEADLINE = 5000;
/** How long a free lock may take. */
const GRANT = 1000;
/** How long to wait for a lock before it is asked for again. */
const RETRY = 3000;

/** Where there is no Web Locks API: one program's own. */
const programLocks = new Locks();

export class Store {
  /** Whether the database was opened before. */
  #opened = false;
  /** What kept the database from being used. @type {unknown} */
  #problem;

  /**
   * @param {string} key the profile's, with its issuer and client
   * @param {Place} database
   * @param {Storage | "indexeddb" | "memory"} storage
   */
  constructor(key, database, storage) {
    this.key = key;
    this.database = storage === "indexeddb" ? database : undefined;
    this.memory = new StoragePlace(new Map());
    this.memoryLocks = new Locks();
    /** @type {Place} */
    this.place = this.memory;
    if (storage === "indexeddb") this.place = database;
    else if (storage !== "memory") this.place = new StoragePlace(storage);
  }

  /**
   * Sees whether the database can be used, and written if this is `thorough`, as before a login;
   * resolves to why not. Then sessions are in memory, until another try finds it usable.
   *
   * One that was opened before is not left for a failure that may pass: it may hold a session.
   *
   * @param {boolean} thorough
   */
  async start(thorough) {
    if (!this.database) {
      // What cannot be read is set aside now, and not when somebody has approved a login.
      await this.revision().catch(() => {});
      return undefined;
    }
    if (this.place === this.memory && (await this.revision())) return this.#problem;
    this.place = this.database;
    try {
      const found = await this.revision();
      this.#opened = true;
      if (thorough && !found) await this.#tryWriting();
      this.#problem = undefined;
    } catch (error) {
      if (this.#opened && !(await this.#isEmpty())) return undefined;
      this.place = this.memory;
      this.#problem = error;
    }
    return this.#problem;
  }

  /** Unless somebody is at it, in this tab or another. */
  async #tryWriting() {
    const lock = this.lock(0);
    try {
      await lock.granted;
      await this.probe();
    } catch (error) {
      if (/** @type {Failure} */ (error).kind !== "busy") throw error;
    } finally {
      lock.release();
    }
  }

  /** Whether it is known that there is no session. */
  #isEmpty() {
    return this.revision().then(
      (revision) => !revision,
      () => false,
    );
  }

  revision() {
    return settled(this.place.revision(this.key));
  }

  read() {
    return settled(this.place.read(this.key));
  }

  probe() {
    return settled(this.place.probe(this.key));
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
   * Asks for the profile's lock, for at most `millis`; zero is to have it at once or not at all.
   *
   * @param {number} millis
   */
  lock(millis) {
    /** @type {LockSource} */
    const shared = globalThis.navigator?.locks ?? programLocks;
    const locks = this.place === this.memory ? this.memoryLocks : shared;
    return new ProfileLock(locks, `astropass ${this.key}`, millis);
  }
}

class ProfileLock {
  #over = new AbortController();
  /** @type {(() => void) | undefined} */
  #held;

  /**
   * @param {LockSource} locks
   * @param {string} name
   * @param {number} millis
   */
  constructor(locks, name, millis) {
    /** Resolves when the lock is held: until {@link release}, or the page's end. */
    this.granted = this.#wait(locks, name, millis);
  }

  /** Lets the lock go, or the wish for it. */
  release() {
    this.#over.abort();
    this.#held?.();
  }

  /**
   * @param {LockSource} locks
   * @param {string} name
   * @param {number} millis
   */
  async #wait(locks, name, millis) {
    const end = now() + millis;
    for (;;) {
      const left = end - now();
      try {
        return await this.#ask(locks, name, millis && Math.min(left, RETRY));
      } catch (error) {
        if (!(error instanceof Failure)) throw named(error);
        // Chromium lets go of the locks of a page in its back/forward cache when it is asked for
        // one, and not while somebody waits already.
        if (left <= RETRY || this.#over.signal.aborted) throw new Failure("busy");
      }
    }
  }

  /**
   * @param {LockSource} locks
   * @param {string} name
   * @param {number} millis
   */
  #ask(locks, name, millis) {
    const attempt = new AbortController();
    const options = millis ? { signal: attempt.signal } : { ifAvailable: true };
    /** @type {Promise<void>} */
    const granted = new Promise((resolve, reject) => {
      this.#over.signal.addEventListener("abort", () => attempt.abort(), { once: true });
      locks
        .request(name, options, (lock) => {
          if (!lock || attempt.signal.aborted) throw new Failure("busy");
          resolve();
          return new Promise((release) => (this.#held = () => release(undefined)));
        })
        .catch((error) => reject(attempt.signal.aborted ? new Failure("busy") : error));
    });
    return inTime(granted, millis || GRANT, () => attempt.abort());
  }
}

/** A place in an object, the caller's or a `Map`. It has no transactions. */
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
    const found = await this.storage.get(key);
    if (found === null || found === undefined) return undefined;
    const text = String(found);
    try {
      return { revision: String(JSON.parse(text).revision), text };
    } catch {
      await this.storage.set(`corrupt ${key}`, text);
      await this.storage.delete(key);
      throw new Failure("corrupt", "the storage object gave something else, which was set aside");
    }
  }

  /**
   * @param {string} key
   * @param {string | undefined} expected
   * @param {Session} [session]
   */
  async write(key, expected, session) {
    const found = await this.revision(key);
    // Done already, by an attempt that failed after its work.
    if (found === session?.revision) return;
    if (found !== expected) throw new Failure("changed");
    await (session ? this.storage.set(key, session.text) : this.storage.delete(key));
  }

  /** @param {string} key */
  async probe(key) {
    const probe = `astropass probe ${key}`;
    await this.storage.set(probe, probe);
    const found = await this.storage.get(probe);
    await this.storage.delete(probe);
    if (found !== probe) throw new Failure("io", "it does not give back what was stored");
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
  const name = nameOf(error);
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
