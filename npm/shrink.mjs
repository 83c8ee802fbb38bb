import binaryen from "binaryen";

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

/**
 * The module, for binaryen to work on.
 *
 * @param {Uint8Array} wasm
 */
export function parse(wasm) {
  const module = binaryen.readBinary(wasm);
  module.setFeatures(
    binaryen.Features.BulkMemory |
      binaryen.Features.BulkMemoryOpt |
      binaryen.Features.NontrappingFPToInt |
      binaryen.Features.SignExt |
      binaryen.Features.MutableGlobals |
      binaryen.Features.ReferenceTypes |
      binaryen.Features.Multivalue,
  );
  return module;
}

/**
 * Without the wording of panics.
 *
 * @param {Uint8Array} wasm with names
 */
export function withoutPanics(wasm) {
  const module = parse(wasm);
  for (let index = 0; index < module.getNumFunctions(); index += 1) {
    const function_ = module.getFunctionByIndex(index);
    const { name, module: imported } = binaryen.getFunctionInfo(function_);
    if (!imported && (PANICS.test(name) || UNUSED.test(name))) {
      binaryen.Function.setBody(function_, module.unreachable());
    }
  }
  return emitted(module, true);
}

/**
 * `wasm-opt -Oz`, keeping the names or not.
 *
 * @param {Uint8Array} wasm
 * @param {boolean} names
 */
export function optimize(wasm, names) {
  const module = parse(wasm);
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(2);
  binaryen.setDebugInfo(names);
  // Rust's stack is there, and its data above.
  binaryen.setLowMemoryUnused(true);
  binaryen.setGenerateStackIR(true);
  binaryen.setOptimizeStackIR(true);
  // Inlining makes it smaller, but gzip finds less that is alike.
  binaryen.setAlwaysInlineMaxSize(2);
  binaryen.setOneCallerInlineMaxSize(20);
  module.optimize();
  if (!names) module.runPasses(["strip-debug", "strip-producers", "strip-target-features"]);
  return emitted(module, names);
}

/**
 * The bytes of the module, which is not needed any more.
 *
 * @param {binaryen.Module} module
 * @param {boolean} names
 */
export function emitted(module, names) {
  binaryen.setDebugInfo(names);
  const wasm = module.emitBinary();
  module.dispose();
  return wasm;
}

/**
 * Zeros for the names of Rust's source files: only panics would tell them.
 *
 * @param {Uint8Array} wasm
 */
export function withoutPaths(wasm) {
  const bytes = Buffer.from(wasm).toString("latin1");
  const zeros = (/** @type {string} */ path) => "\0".repeat(path.length);
  return new Uint8Array(Buffer.from(bytes.replace(/(?<=\0)[\w./-]+\.rs(?=\0)/g, zeros), "latin1"));
}
