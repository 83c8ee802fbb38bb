export const IMPORTS = 2;
export const EXPORTS = 7;
/** The bytes that a module puts into its memory, and how many pieces those are. */
const DATA = [11, 12];

/** @param {Uint8Array} wasm */
export function withoutData(wasm) {
  return mapSections(wasm, (id, body) => (DATA.includes(id) ? undefined : body));
}

/**
 * @param {Uint8Array} wasm without data
 * @param {{ start: number, bytes: Buffer }[]} segments to be put into the memory
 */
export function withSegments(wasm, segments) {
  const vector = segments.map(({ start, bytes }) => {
    // Into memory 0, from an `i32.const` on, which is signed: a byte more keeps it positive.
    const address = [0x41, ...leb128(start).map((byte) => byte | 0x80), 0, 0x0b];
    return Buffer.from([0, ...address, ...leb128(bytes.length), ...bytes]);
  });
  const body = Buffer.concat([Buffer.from(leb128(segments.length)), ...vector]);
  return new Uint8Array(Buffer.concat([wasm, Buffer.from([DATA[0], ...leb128(body.length)]), body]));
}

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
