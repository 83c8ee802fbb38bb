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
  if (!names) {
    module.runPasses(["strip-debug", "strip-producers", "strip-target-features"]);
    sortFunctions(module);
  }
  return emitted(module, names);
}

/**
 * Those of one type come together, and then by their size: gzip finds more that is alike.
 *
 * @param {binaryen.Module} module
 */
function sortFunctions(module) {
  const sorted = functions(module)
    .filter((function_) => !function_.module)
    .map((function_) => ({
      ...function_,
      type: [function_.params, function_.results].map(binaryen.expandType).join(" "),
      size: binaryen.emitText(function_.body).length,
    }))
    .sort((one, other) => one.type.localeCompare(other.type) || one.size - other.size);
  for (const { name, params, results, vars, body } of sorted) {
    module.removeFunction(name);
    module.addFunction(name, params, results, vars, body);
  }
}

/** @param {binaryen.Module} module */
export function functions(module) {
  return Array.from({ length: module.getNumFunctions() }, (_, index) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(index)),
  );
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
