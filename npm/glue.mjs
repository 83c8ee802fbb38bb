/** What wasm-bindgen calls its functions for the wasm: in the wasm a module, here an object. */
export const GLUE = "./astropass_wasm_bg.js";

/**
 * wasm-bindgen's JavaScript as it is needed here.
 *
 * @param {string} javascript
 * @param {Uint8Array} wasm that it is for
 */
export function trimmed(javascript, wasm) {
  return withoutFallbacks(withoutLoader(withoutNamespaces(javascript, wasm)));
}

/**
 * What is not needed where there is `String.prototype.isWellFormed`, which `wasm/js` calls, or by the
 * package, which calls `free`; for a wasm that cannot make texts longer; and to word a panic, see
 * `panics.mjs`.
 */
const FALLBACKS = [
  /^ {4}if \(realloc === undefined\) \{\n.*?^ {4}\}\n/ms,
  /^if \(!\('encodeInto' in \w+\)\) \{\n.*?^\}\n/ms,
  /^if \(Symbol\.dispose\) .*\n/gm,
  / \|\| \w+\.buffer\.detached === true(?= \|\|)/,
  /\b\w+\.buffer\.detached === undefined && /,
  /^ *__wbg___wbindgen_throw_\w+: function\(.*?^ {8}\},\n/ms,
];

/** @param {string} javascript */
function withoutFallbacks(javascript) {
  return FALLBACKS.reduce((left, fallback) => {
    const trimmed = left.replace(fallback, "");
    if (trimmed === left) throw new Error(`wasm-bindgen's JavaScript has no ${fallback}`);
    return trimmed;
  }, javascript);
}

/**
 * Without its ways to load a module: `src/load.ts` has the one that is needed, and loads two
 * modules. It gets what they import, and gives what they export.
 *
 * @param {string} javascript
 */
function withoutLoader(javascript) {
  const [bindings, loader] = javascript.split("\nlet wasmModule, wasmInstance, wasm;\n");
  if (!loader) throw new Error("wasm-bindgen loads modules in a way that is not known here");
  return `${bindings}
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

/**
 * With the functions that the wasm imports from the crate's modules beside those of the glue,
 * instead of the modules as objects, which bundlers make with all that is in them.
 *
 * @param {string} javascript
 * @param {Uint8Array} wasm
 */
function withoutNamespaces(javascript, wasm) {
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
  const functions = imported.filter(({ module }) => module !== GLUE);
  const imports = functions.map(({ module, name }) => `import { ${name} as as_${name} } from "${module}";\n`);
  const fields = functions.map(({ name }) => `        ${name}: as_${name},\n`);
  const glue = "const import0 = {\n        __proto__: null,\n";
  return (
    imports.join("") +
    javascript
      .replace(/^import \* as import\d+ from .*\n/gm, "")
      .replace(/^ *"[^"]+": import[1-9]\d*,\n/gm, "")
      .replace(glue, glue + fields.join(""))
  );
}
