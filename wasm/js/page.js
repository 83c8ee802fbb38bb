// @ts-check
// What every page, worker and server-side JavaScript has: clocks, timers and random bytes.

/** Smaller jumps are those of timers, and of a clock that is being adjusted. */
const SLEEP = 10_000;

/** @type {number | undefined} */
let offset;
let slept = 0;

/**
 * Monotonic milliseconds. `performance.now()` stops in some browsers while the machine sleeps, and
 * `Date.now()` can be stepped: this goes as the first does, and jumps ahead where the second did.
 * A clock that was only set forward costs one early refresh.
 */
export function now() {
  const monotonic = performance.now();
  const before = offset;
  offset = Date.now() - monotonic;
  if (before !== undefined && offset - before > SLEEP) slept += offset - before;
  return monotonic + slept;
}

/** @param {number} millis */
export function sleep(millis) {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** 128 random bits: a name that was never used before, and never will be again. */
export function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
