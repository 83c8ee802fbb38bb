const HASHED = /\b\w+_h?[0-9a-f]{16}\b/g;
const IMPORTS = 2;
const EXPORTS = 7;

/**
 * Gives what wasm-bindgen names by a hash a name of two characters, in the wasm and in the
 * JavaScript that instantiates it.
 *
 * @param {Uint8Array} wasm
 * @param {string} javascript
 */
export function shortenNames(wasm, javascript) {
  // In the order of the JavaScript, so that each build gives the same.
  const names = [...new Set(javascript.match(HASHED))];
  const short = new Map(names.map((name, index) => [name, `_${index.toString(36)}`]));
  return {
    wasm: withNames(wasm, short),
    javascript: javascript.replace(HASHED, (name) => short.get(name) ?? name),
  };
}

/**
 * @param {Uint8Array} wasm
 * @param {Map<string, string>} short
 */
function withNames(wasm, short) {
  const source = Buffer.from(wasm).toString("latin1");
  // The magic number and the version.
  let target = source.slice(0, 8);
  for (let at = 8; at < source.length; ) {
    const id = source.charCodeAt(at);
    const [size, start] = number(source, at + 1);
    at = start + size;
    let body = source.slice(start, at);
    if (id === IMPORTS || id === EXPORTS) {
      for (const names of short) body = body.replaceAll(...names.map(withLength));
    }
    target += String.fromCharCode(id, ...leb128(body.length)) + body;
  }
  return new Uint8Array(Buffer.from(target, "latin1"));
}

/**
 * A name of fewer than 128 characters as a section has it.
 *
 * @param {string} name
 */
function withLength(name) {
  return String.fromCharCode(name.length) + name;
}

/**
 * An unsigned number in LEB128, and where it ends.
 *
 * @param {string} source
 * @param {number} at
 */
function number(source, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = source.charCodeAt(at++);
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

/** @param {number} value */
function leb128(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}
