import binaryen from "binaryen";
import { DATA, mapSections } from "./sections.mjs";
import { emitted, parse } from "./shrink.mjs";
import { keepSlots } from "./table.mjs";

/**
 * What only serves to word a panic. There is no panic hook in a page and nobody to read it: a panic
 * ends the module with a trap, with these functions as without them. Of `core::fmt` the rest of the
 * code needs nothing.
 */
const PANICS = new RegExp(
  [
    "panicking|panic_|expect_failed|unwrap_failed|slice_error_fail|index_fail|rust_panic|default_hook",
    "handle_alloc_error|capacity_overflow|raw_vec.*handle_error|pad_integral",
    "::fmt::(Debug|LowerHex|UpperHex)>",
    "(bool|u32|usize|Error|Arguments<?.*>?) as core\\[?[0-9a-f]*\\]?::fmt::Display>",
  ].join("|"),
);

/**
 * What the function table keeps of crates though nothing calls it: here are no closures that
 * JavaScript could call, no futures but those of `wasm/src/task.rs`, and no formatting.
 */
const UNUSED =
  /wasm_bindgen::convert::closures::|js_sys::futures::|::string::String as core.*::fmt::Write>/;

/** Exports for panics that could be caught; here none can. */
const UNWINDING = ["__abort_handler", "__instance_terminated"];

/** What panics say, which is left in the data. */
const MESSAGES = new RegExp(
  [
    "assertion `left [^]*? right` failed(: )?[^]*?right: ",
    "cannot access a Thread Local Storage value during or after destruction: ",
    "(capacity overflow|Layout|Access)(Error)?|called `Result::unwrap\\(\\)` on an `Err` value",
    "Tried to shrink to a larger capacity|cannot recursively acquire mutex",
    "closure invoked recursively or after being dropped|RefCell already (mutably )?borrowed",
    "`async fn` resumed after completion|0x0123456789ABCDEF|0123456789abcdef|==!=matches",
  ].join("|"),
  "g",
);
/** The names of Rust's source files. */
const PATHS = /(?<=\0)[\w./-]+\.rs(?=\0)/g;

/**
 * The wasm without the wording of panics, and without the places that they would name.
 *
 * @param {Uint8Array} wasm with names
 */
export function withoutPanics(wasm) {
  const module = parse(wasm);
  for (const name of UNWINDING) module.removeExport(name);
  const unused = (/** @type {string} */ name) => PANICS.test(name) || UNUSED.test(name);
  keepSlots(module, (_, name) => !unused(name));
  for (let index = 0; index < module.getNumFunctions(); index += 1) {
    const function_ = module.getFunctionByIndex(index);
    const { name, module: imported } = binaryen.getFunctionInfo(function_);
    if (!imported && unused(name)) binaryen.Function.setBody(function_, module.unreachable());
  }
  const { offset, data } = module.getDataSegmentInfo(module.getDataSegmentByIndex(0));
  const text = Buffer.from(data).toString("latin1");
  const silent = silenced(text, Number(offset));
  return mapSections(emitted(module, true), (id, body) =>
    DATA.includes(id) ? body.replace(text, () => silent) : body,
  );
}

/**
 * Constant data with zeros in the place of words for panics.
 *
 * @param {string} data as Latin-1
 * @param {number} address where it begins in memory
 */
function silenced(data, address) {
  let silent = data.replace(MESSAGES, zeros).replace(PATHS, zeros);
  for (const { 0: path, index } of data.matchAll(PATHS)) {
    // `core::panic::Location`: the address and the length of the path, the line, the column.
    const [before = "", ...locations] = silent.split(latin1(address + index, path.length));
    silent = before + locations.map((rest) => "\0".repeat(16) + rest.slice(8)).join("");
  }
  return silent;
}

/** @param {string} text */
function zeros(text) {
  return "\0".repeat(text.length);
}

/** @param {number[]} numbers of 32 bits, as they are in memory */
function latin1(...numbers) {
  return Buffer.from(new Uint32Array(numbers).buffer).toString("latin1");
}
