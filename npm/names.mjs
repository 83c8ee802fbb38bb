import { GLUE } from "./glue.mjs";
import { EXPORTS, IMPORTS, mapSections } from "./sections.mjs";
import { FIRST } from "./split.mjs";

/**
 * What wasm and JavaScript call each other by: what wasm-bindgen names by a hash, or begins with
 * `__wb`, and what it takes from the exports.
 */
const NAMES =
  /\b\w+_h?[0-9a-f]{16}\b|\b__wb\w+(?=: function)|(?<=\bwasm\.)\w+|\b__(wbg_ptr|wrap|destroy_into_raw)\b/g;

/** Of what both modules import. */
const MODULE = "_";

/**
 * Gives all of these names of two characters, in the wasm and in the JavaScript, and one name to
 * all modules of JavaScript.
 *
 * @template {Record<string, Uint8Array>} Modules
 * @param {Modules} modules
 * @param {string} javascript
 */
export function shortenNames(modules, javascript) {
  // In the order of the JavaScript, so that each build gives the same.
  const names = [...new Set(javascript.match(NAMES))];
  const short = new Map(names.map((name, index) => [name, `_${index.toString(36)}`]));
  const shortened = Object.entries(modules).map(([key, wasm]) => [key, withNames(wasm, short)]);
  return {
    modules: /** @type {Modules} */ (Object.fromEntries(shortened)),
    javascript: javascript
      .replace(NAMES, (name) => short.get(name) ?? name)
      .replace(`"${GLUE}"`, `"${MODULE}"`),
  };
}

/**
 * @param {Uint8Array} wasm
 * @param {Map<string, string>} short
 */
function withNames(wasm, short) {
  const names = new Map(short);
  for (const { module } of WebAssembly.Module.imports(new WebAssembly.Module(wasm))) {
    if (module !== FIRST) names.set(module, MODULE);
  }
  return mapSections(wasm, (id, body) => {
    if (id !== IMPORTS && id !== EXPORTS) return body;
    for (const [name, to] of names) body = body.replaceAll(withLength(name), withLength(to));
    return body;
  });
}

/**
 * A name of fewer than 128 characters as a section has it.
 *
 * @param {string} name
 */
function withLength(name) {
  return String.fromCharCode(name.length) + name;
}
