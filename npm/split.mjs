import binaryen from "binaryen";
import { emitted, functions, parse } from "./shrink.mjs";
import { TABLE, keepSlots, slots } from "./table.mjs";

/**
 * What only a login needs, in `wasm/src/session.rs` and `code.rs`: the exports, and the futures that
 * they begin. The npm package loads the second module before it calls one of them.
 */
const LOGIN_EXPORT =
  /^session_(login|loginWithPopup|beginRedirect|finishRedirect|switchOrganization)$/;
const LOGIN_FUTURE =
  /\bSession>?::(login|login_with_popup|begin_redirect|finish_redirect|switch_organization)::|\bInner::establishing::/;

/** The name by which the second module imports from the first. */
export const FIRST = "first";
/** What Rust's compiler calls the one memory, and the end of the stack. */
const MEMORY = "0";
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
  const found = [...slots(module)].filter(([, name]) => LOGIN_FUTURE.test(name));
  module.dispose();
  if (!found.length) throw new Error("the function table has no login");
  return new Set(found.map(([slot]) => slot));
}

/**
 * Splits a module with names: into what every page loads, and what it loads when a login begins.
 *
 * The first is the whole without the exports and the table's slots of a login, and without what
 * nothing else reaches then, which binaryen finds out. The second has all that the first has not.
 * It works in the memory of the first, and fills in the empty slots of the table. There, behind the
 * others, are the functions of the first that it calls: by names they would cost more.
 *
 * @param {Uint8Array} whole without its data, see `data.mjs`
 * @param {Set<number>} futures the slots of the login
 */
export function split(whole, futures) {
  const first = parse(whole);
  keepExports(first, (name) => !LOGIN_EXPORT.test(name));
  keepSlots(first, (slot) => !futures.has(slot));
  first.runPasses(["remove-unused-module-elements"]);

  const login = parse(whole);
  keepExports(login, (name) => LOGIN_EXPORT.test(name));
  keepSlots(login, (slot) => futures.has(slot));
  login.addMemoryImport(MEMORY, FIRST, "memory");
  login.addTableImport(TABLE, FIRST, "table");
  login.addTableImport(OBJECTS, FIRST, OBJECTS);
  login.addGlobalImport(STACK, FIRST, "stack", binaryen.i32, true);
  first.addTableExport(TABLE, "table");
  first.addGlobalExport(STACK, "stack");
  share(first, login);
  return { first: emitted(first, true), login: emitted(login, true) };
}

/**
 * Lets `login` call what is in `first`, by way of the table.
 *
 * @param {binaryen.Module} first
 * @param {binaryen.Module} login
 */
function share(first, login) {
  const inFirst = new Set(defined(first).map(({ name }) => name));
  for (const { name, params, results } of defined(login)) {
    if (!inFirst.has(name)) continue;
    login.removeFunction(name);
    login.addFunctionImport(name, FIRST, name, params, results);
  }
  login.runPasses(["remove-unused-module-elements"]);
  const shared = functions(login).filter(({ module }) => module === FIRST);

  const start = binaryen.Table.getInitial(first.getTable(TABLE));
  for (const table of [first.getTable(TABLE), login.getTable(TABLE)]) {
    binaryen.Table.setInitial(table, start + shared.length);
    binaryen.Table.setMax(table, start + shared.length);
  }
  const names = shared.map(({ name }) => name);
  first.addActiveElementSegment(TABLE, "shared", names, first.i32.const(start));
  for (const [index, { name, params, results }] of shared.entries()) {
    const slot = login.i32.const(start + index);
    const given = binaryen.expandType(params).map((type, at) => login.local.get(at, type));
    const call = login.call_indirect(TABLE, slot, given, params, results);
    login.removeFunction(name);
    login.addFunction(name, params, results, [], call);
  }
}

/** @param {binaryen.Module} module */
function defined(module) {
  return functions(module).filter((function_) => !function_.module);
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
