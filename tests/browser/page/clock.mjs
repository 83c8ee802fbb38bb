// The page's clocks and timers, for a test to move. Imported first, so that nothing uses the real
// ones. Time goes on by itself unless it is held. It is counted in whole milliseconds: sums of
// fractions depend on their order, and what is due now would be due a trillionth of a second later.

const { setTimeout: begin, clearTimeout: end } = globalThis;
const real = performance.now.bind(performance);
const monotonic = () => Math.floor(real());
const epoch = Date.now() - monotonic();
/** What the test let pass, and how far off the wall clock is, in milliseconds. */
let passed = 0;
let wrong = 0;
/** The real monotonic time at which time was held. */
let held;
/** What is due when, in the order in which it was asked for. */
const timers = new Map();
let last = 0;

performance.now = () => (held ?? monotonic()) + passed;
Date.now = () => Math.floor(epoch + performance.now() + wrong);

globalThis.setTimeout = (work, millis = 0, ...given) => {
  const id = (last += 1);
  const run = () => {
    if (timers.delete(id)) work(...given);
  };
  const timer = held === undefined ? begin(run, millis) : undefined;
  timers.set(id, { due: performance.now() + Math.ceil(millis), run, timer });
  return id;
};

globalThis.clearTimeout = (id) => {
  end(timers.get(id)?.timer);
  timers.delete(id);
};

Object.assign(globalThis, {
  /** From now on time passes only as {@link advance} says. */
  hold() {
    held ??= monotonic();
    for (const { timer } of timers.values()) end(timer);
  },

  /** Time passes by itself again. */
  release() {
    passed += held - monotonic();
    held = undefined;
    for (const timer of timers.values()) {
      timer.timer = begin(timer.run, timer.due - performance.now());
    }
  },

  /** Time passes, for the server too if the test says so there, and what is due happens. */
  advance(seconds) {
    passed += Math.round(seconds * 1000);
    const due = [...timers.values()].filter((timer) => timer.due <= performance.now());
    for (const { run } of due.toSorted((one, other) => one.due - other.due)) run();
  },

  /** Seconds until the next timer is due, if there is any. */
  next() {
    const due = [...timers.values()].map((timer) => timer.due - performance.now());
    return due.length ? Math.min(...due) / 1000 : undefined;
  },

  /**
   * The wall clock is set. A sleep during which the monotonic clock stops, and the timers with it,
   * is the same to a page.
   */
  step(seconds) {
    wrong += Math.round(seconds * 1000);
  },
});
