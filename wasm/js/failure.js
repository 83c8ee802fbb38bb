// @ts-check

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
