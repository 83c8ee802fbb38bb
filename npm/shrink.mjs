import binaryen from "binaryen";

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
