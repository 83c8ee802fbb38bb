// How much to do, and what came of it: small numbers, or the full ones of `make soak`, which names the
// file that takes the rows of its table.

import { appendFile } from "node:fs/promises";

const TABLE = process.env.ASTROPASS_SOAK;

/** `full` in `make soak`, else `small`. */
export function many(small, full) {
  return TABLE === undefined ? small : full;
}

/** A test's only deadline: it is for what hangs, not a measure. */
export const LIMIT = { timeout: many(600_000, 1_800_000) };

/** Runs `body`, which counts in the figures that it gets, and writes them down. */
export async function recorded(what, body) {
  const began = performance.now();
  const figures = { rounds: 0, kills: 0, orphans: 0, lost: 0, note: "" };
  try {
    await body(figures);
  } catch (error) {
    figures.note = ": failed";
    throw error;
  } finally {
    const { rounds, kills, orphans, lost, note } = figures;
    const seconds = Math.round((performance.now() - began) / 1000);
    const row = [`${what}${note}`, rounds, kills, orphans, lost, `${seconds} s`].join("\t");
    if (TABLE !== undefined) await appendFile(TABLE, `${row}\n`);
  }
}
