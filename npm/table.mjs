import binaryen from "binaryen";

/** What Rust's compiler calls the table of functions. */
export const TABLE = "0";

/**
 * The functions that are called by way of the table, by their slots.
 *
 * @param {binaryen.Module} module
 */
export function slots(module) {
  const entries = segments(module).flatMap(({ offset, data }) => {
    const start = Number(binaryen.getExpressionInfo(offset).value);
    return data.map((name, index) => /** @type {const} */ ([start + index, name]));
  });
  return new Map(entries.sort(([one], [other]) => one - other));
}

/**
 * Leaves the others empty; to call one of them is a trap.
 *
 * @param {binaryen.Module} module
 * @param {(slot: number, name: string) => boolean} keep
 */
export function keepSlots(module, keep) {
  const kept = [...slots(module)].filter(([slot, name]) => keep(slot, name));
  for (const { name } of segments(module)) module.removeElementSegment(name);
  while (kept.length) {
    const [start] = kept[0];
    const gap = kept.findIndex(([slot], index) => slot !== start + index);
    const names = kept.splice(0, gap < 0 ? kept.length : gap).map(([, name]) => name);
    module.addActiveElementSegment(TABLE, `from ${start}`, names, module.i32.const(start));
  }
}

/** @param {binaryen.Module} module */
function segments(module) {
  return Array.from({ length: module.getNumElementSegments() }, (_, index) =>
    binaryen.getElementSegmentInfo(module.getElementSegmentByIndex(index)),
  );
}
