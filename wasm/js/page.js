// @ts-check
// What every page, worker and server-side JavaScript has: clocks, timers and random bytes; and how
// something fails here.

/**
 * Monotonic milliseconds, which may stop while the machine sleeps.
 *
 * The wall clock is not asked how long that was: a sleep looks to it as a step does. If it were
 * believed, a clock that is put right would end a login that the person may have approved already,
 * and all waiting for locks. Where it is not, a login that slept too long polls once more, and the
 * server says that it has expired. What a sleep does to a token, core sees by the wall clock.
 */
export function now() {
  return performance.now();
}

/** @param {number} millis */
export function sleep(millis) {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The value of JSON text in UTF-8; of anything else NaN, which no JSON is.
 *
 * @param {Uint8Array} text
 */
export function parse(text) {
  try {
    return JSON.parse(utf8.decode(text));
  } catch {
    return NaN;
  }
}

/** @param {unknown} value without cycles */
export function print(value) {
  return JSON.stringify(value);
}

/**
 * A property of anything, or `undefined`.
 *
 * @param {any} value
 * @param {string} name
 */
export function property(value, name) {
  try {
    return value[name];
  } catch {
    return undefined;
  }
}

/**
 * @param {Record<string, unknown>} object
 * @param {string} name
 * @param {unknown} value
 */
export function put(object, name, value) {
  object[name] = value;
}

/**
 * @param {(value: unknown) => void} function_
 * @param {unknown} value
 */
export function call(function_, value) {
  function_(value);
}

/**
 * Which kind of JSON `value` is, as `json.rs` counts them; zero for a number that a double cannot
 * hold and a text with lone surrogates, which no other parser would take.
 *
 * @param {unknown} value
 */
export function kind(value) {
  switch (typeof value) {
    case "boolean":
      return value ? 3 : 2;
    case "number":
      return Number.isFinite(value) ? 4 : 0;
    case "string":
      return value.isWellFormed() ? 5 : 0;
    default:
      return value === null || value === undefined ? 1 : Array.isArray(value) ? 6 : 7;
  }
}

/** 128 random bits: a name that was never used before, and never will be again. */
export function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What goes wrong at the edge; `kind` says to Rust which of its errors it is. */
export class Failure extends Error {
  /**
   * @param {string} kind
   * @param {string} [detail] without secrets
   */
  constructor(kind, detail = "") {
    super(detail);
    this.kind = kind;
  }
}

/**
 * What `work` gives, unless it takes too long.
 *
 * @template T
 * @param {Promise<T>} work
 * @param {number} millis
 * @param {() => void} [late] called when it does
 * @returns {Promise<T>}
 */
export async function inTime(work, millis, late) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const end = new Promise((_, reject) => {
    timer = setTimeout(() => {
      late?.();
      reject(new Failure("timeout"));
    }, millis);
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** As much of `LockManager` as is used here, within one program. */
export class Locks {
  /** The end of the last one in the row for each name. @type {Map<string, Promise<unknown>>} */
  #rows = new Map();

  /**
   * @param {string} name
   * @param {LockOptions} options
   * @param {(lock: Lock | null) => unknown} callback
   * @returns {Promise<any>}
   */
  request = async (name, { ifAvailable, signal }, callback) => {
    const before = this.#rows.get(name);
    if (before && ifAvailable) return callback(null);
    const work = (async () => {
      await before;
      signal?.throwIfAborted();
      return callback({ name, mode: "exclusive" });
    })();
    const end = work.catch(() => {});
    this.#rows.set(name, end);
    end.then(() => this.#rows.get(name) === end && this.#rows.delete(name));
    return work;
  };
}
