export const IMPORTS = 2;
export const EXPORTS = 7;
/** The bytes that a module puts into its memory, and how many pieces those are. */
export const DATA = [11, 12];

/**
 * The module with other sections: `change` gets the number and the bytes of each, as Latin-1, and
 * gives what is to be there, or nothing to leave the section out.
 *
 * @param {Uint8Array} wasm
 * @param {(id: number, body: string) => string | undefined} change
 */
export function mapSections(wasm, change) {
  const source = Buffer.from(wasm).toString("latin1");
  // The magic number and the version.
  let target = source.slice(0, 8);
  for (let at = 8; at < source.length; ) {
    const id = source.charCodeAt(at);
    const [size, start] = number(source, at + 1);
    at = start + size;
    const body = change(id, source.slice(start, at));
    if (body !== undefined) target += String.fromCharCode(id, ...leb128(body.length)) + body;
  }
  return new Uint8Array(Buffer.from(target, "latin1"));
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
