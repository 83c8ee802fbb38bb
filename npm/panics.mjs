import binaryen from "binaryen";
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
    // wasm-bindgen's, for objects that are used when they are gone, or twice at once.
    "throw_str|throw_null|borrow_fail",
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

/**
 * The wasm without the wording of panics; what that would say is then named by nothing in it.
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
  return emitted(module, true);
}
