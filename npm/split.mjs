import binaryen from "binaryen";
import { DATA, mapSections } from "./sections.mjs";
import { emitted, parse } from "./shrink.mjs";

/**
 * What only a login needs, in `wasm/src/session.rs`: the exports, and the futures that they begin.
 * The npm package loads the second module before it calls one of them.
 */
const LOGIN_EXPORT = /^session_(login|switchOrganization)$/;
const LOGIN_FUTURE = /\bSession::(login|switch_organization)::/;

/** The name by which the second module imports the first. */
const FIRST = "first";
/** What Rust's compiler calls the one memory, the table of functions, and the end of the stack. */
const MEMORY = "0";
const TABLE = "0";
const STACK = "__stack_pointer";
/** wasm-bindgen's table of what belongs to JavaScript. */
const OBJECTS = "__wbindgen_externrefs";

/**
 * The slots of the function table in which the futures of a login are. This wants the names as Rust
 * gave them: later, functions that are alike have become one.
 *
 * @param {Uint8Array} wasm
 */
export function loginSlots(wasm) {
  const module = parse(wasm);
  const { functions, offset } = functionTable(module);
  module.dispose();
  const slots = functions.flatMap((name, index) => (LOGIN_FUTURE.test(name) ? offset + index : []));
  if (!slots.length) throw new Error("the function table has no login");
  return new Set(slots);
}

/**
 * Splits a module with names: into what every page loads, and what it loads when a login begins.
 *
 * The first is the whole without the exports and the table's slots of a login, and without what
 * nothing else reaches then, which binaryen finds out. The second has all that the first has not.
 * It works in the memory of the first, where its constants stay, fills in the empty slots of the
 * table, and calls the functions of the first that it needs.
 *
 * @param {Uint8Array} whole
 * @param {Set<number>} slots
 */
export function split(whole, slots) {
  const first = parse(whole);
  keepExports(first, (name) => !LOGIN_EXPORT.test(name));
  keepSlots(first, (slot) => !slots.has(slot));
  first.runPasses(["remove-unused-module-elements"]);

  const login = parse(mapSections(whole, (id, body) => (DATA.includes(id) ? undefined : body)));
  keepExports(login, (name) => LOGIN_EXPORT.test(name));
  keepSlots(login, (slot) => slots.has(slot));
  const inFirst = new Set(functions(first).map(({ name }) => name));
  for (const { name, module, params, results } of functions(login)) {
    if (module || !inFirst.has(name)) continue;
    login.removeFunction(name);
    login.addFunctionImport(name, FIRST, name, params, results);
  }
  login.addMemoryImport(MEMORY, FIRST, "memory");
  login.addTableImport(TABLE, FIRST, "table");
  login.addTableImport(OBJECTS, FIRST, OBJECTS);
  login.addGlobalImport(STACK, FIRST, "stack", binaryen.i32, true);
  login.runPasses(["remove-unused-module-elements"]);

  first.addTableExport(TABLE, "table");
  first.addGlobalExport(STACK, "stack");
  const shared = functions(login).filter(({ module }) => module === FIRST);
  for (const [index, { name, params, results }] of shared.entries()) {
    const alias = index.toString(36);
    first.addFunctionExport(name, alias);
    login.addFunctionImport(name, FIRST, alias, params, results);
  }
  return { first: emitted(first, true), login: emitted(login, true) };
}

/** @param {binaryen.Module} module */
function functions(module) {
  return Array.from({ length: module.getNumFunctions() }, (_, index) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(index)),
  );
}

/**
 * @param {binaryen.Module} module
 * @param {(name: string) => boolean} keep
 */
function keepExports(module, keep) {
  const names = Array.from(
    { length: module.getNumExports() },
    (_, index) => binaryen.getExportInfo(module.getExportByIndex(index)).name,
  );
  for (const name of names) if (!keep(name)) module.removeExport(name);
}

/**
 * The slots that Rust fills, and the first one of them.
 *
 * @param {binaryen.Module} module
 */
function functionTable(module) {
  const { name, data, offset } = binaryen.getElementSegmentInfo(module.getElementSegmentByIndex(0));
  const { value } = binaryen.getExpressionInfo(offset);
  return { name, functions: data, offset: Number(value) };
}

/**
 * @param {binaryen.Module} module
 * @param {(slot: number) => boolean} keep
 */
function keepSlots(module, keep) {
  const { name, functions, offset } = functionTable(module);
  module.removeElementSegment(name);
  for (let start = 0, end; start < functions.length; start = end) {
    const kept = keep(offset + start);
    for (end = start + 1; end < functions.length && keep(offset + end) === kept; ) end += 1;
    if (!kept) continue;
    const slot = module.i32.const(offset + start);
    module.addActiveElementSegment(TABLE, `slots ${start}`, functions.slice(start, end), slot);
  }
}
