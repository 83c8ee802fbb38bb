/**
 * wasm-bindgen's JavaScript without its own ways to load a module: `src/load.ts` has the one that
 * is needed, and loads two modules. It gets what they import, and gives what they export.
 *
 * @param {string} javascript
 */
export function withoutLoader(javascript) {
  const [bindings = "", loader] = javascript.split("\nlet wasmModule, wasmInstance, wasm;\n");
  if (!loader) throw new Error("wasm-bindgen loads modules in a way that is not known here");
  // Modules of the crate are named once for each function that is imported from them.
  const twice = /^ *("[^"]+"): import\d+,\n(?=[^]*^ *\1: import)/gm;
  return `${bindings.replaceAll(twice, "")}
let wasm;
function start(exports) {
    wasm = { ...exports };
    wasm.__wbindgen_start();
}
function extend(exports) {
    Object.assign(wasm, exports);
}
export { __wbg_get_imports as imports, start, extend };
`;
}
