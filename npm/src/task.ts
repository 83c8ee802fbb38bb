import type { Task } from "astropass-wasm";
import { AstropassError } from "./errors.js";

/** Does the work of `task`, unless it is `abandoned` while it waits. */
export async function run<T>(task: Task<T>, abandoned?: Promise<unknown>): Promise<T> {
  const over = () => {
    throw new AstropassError("misuse", "this login has already ended");
  };
  try {
    let awaited = task.poll(undefined, false);
    while (awaited instanceof Promise) {
      const settled = awaited.then(
        (value) => () => task.poll(value, false),
        (error: unknown) => () => task.poll(error, true),
      );
      const next = abandoned ? Promise.race([settled, abandoned.then(() => over)]) : settled;
      awaited = (await next)();
    }
    return awaited;
  } finally {
    task.free();
  }
}
