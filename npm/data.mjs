import { withSegments } from "./sections.mjs";
import { parse } from "./shrink.mjs";

/**
 * Something constant or variable in memory: each is linked as a segment of its own.
 *
 * @typedef {{ start: number, bytes: Buffer }} Datum
 */

/** Bytes of zeros that are less than another segment. */
const GAP = 8;

/**
 * @param {Uint8Array} wasm
 * @returns {Datum[]}
 */
export function dataOf(wasm) {
  const module = parse(wasm);
  const data = Array.from({ length: module.getNumDataSegments() }, (_, index) => {
    const { offset, data } = module.getDataSegmentInfo(module.getDataSegmentByIndex(index));
    return { start: Number(offset), bytes: Buffer.from(data) };
  });
  module.dispose();
  return data;
}

/**
 * Gives each module its data: the second one what only that names. What nobody names stays in the
 * first, since its address may be counted from another one; but texts go, as the words of panics.
 *
 * @template {{ first: Uint8Array, login: Uint8Array }} Modules
 * @param {Modules} code
 * @param {Datum[]} all
 */
export function withData(code, all) {
  const data = withoutPlaces(all);
  const [first, login] = [numbers(code.first), numbers(code.login)];
  const named = reached(data, [...first, ...login]);
  const unnamed = data.filter((datum) => !named.has(datum) && !isText(datum));
  const firsts = reached(data, [...first, ...unnamed.flatMap(words)]);
  for (const datum of unnamed) firsts.add(datum);
  const logins = [...reached(data, login)].filter((datum) => !firsts.has(datum));
  return {
    first: withSegments(code.first, joined([...firsts], GAP)),
    // What is between is the first one's.
    login: withSegments(code.login, joined(logins, 0)),
  };
}

/**
 * Without the places in source files that panics would tell.
 *
 * @param {Datum[]} data
 */
function withoutPlaces(data) {
  const paths = data.filter(({ bytes }) => /^[\w./-]+\.rs\0$/.test(bytes.toString("latin1")));
  const starts = new Set(paths.map(({ start }) => start));
  // `core::panic::Location`: the address and the length of a path, the line, the column.
  return data.filter(
    ({ start, bytes }) =>
      !starts.has(start) && !(bytes.length === 16 && starts.has(bytes.readUInt32LE())),
  );
}

/**
 * Also what Rust makes of a format string: texts with their lengths before them, and bytes for what
 * goes between.
 *
 * @param {Datum} datum
 */
function isText({ bytes }) {
  return /^[\x20-\x7e]+$|[\x20-\x7e]{9}[^]*\0$/.test(bytes.toString("latin1"));
}

/**
 * What is named by one of the numbers, and what that names in turn.
 *
 * @param {Datum[]} data
 * @param {number[]} numbers
 */
function reached(data, numbers) {
  const found = new Set(data.filter(isNamed(numbers)));
  for (const datum of found) {
    for (const other of data.filter(isNamed(words(datum)))) found.add(other);
  }
  return found;
}

/**
 * Whether an address of it is among the numbers; some may be no addresses.
 *
 * @param {number[]} numbers
 * @returns {(datum: Datum) => boolean}
 */
function isNamed(numbers) {
  return ({ start, bytes }) =>
    numbers.some((number) => start <= number && number < start + bytes.length);
}

/**
 * The constants in the code.
 *
 * @param {Uint8Array} wasm
 */
function numbers(wasm) {
  const module = parse(wasm);
  const found = module.emitText().matchAll(/(?:i(?:32|64)\.const |offset=)(-?\d+)/g);
  module.dispose();
  const constants = [...found].map(([, number = ""]) => BigInt.asUintN(64, BigInt(number)));
  // Two addresses may be in one word.
  const halves = constants.flatMap((number) => [number & 0xffffffffn, number >> 32n]);
  return [...new Set(halves.map(Number))];
}

/** @param {Datum} datum */
function words({ bytes }) {
  const count = Math.floor(bytes.length / 4);
  return Array.from({ length: count }, (_, index) => bytes.readUInt32LE(4 * index));
}

/**
 * Neighbours as one, with zeros in gaps of at most so many bytes: a segment has a head of its own.
 *
 * @param {Datum[]} data
 * @param {number} gap
 */
function joined(data, gap) {
  /** @type {Datum[]} */
  const segments = [];
  for (const { start, bytes } of data.toSorted((one, other) => one.start - other.start)) {
    const last = segments.at(-1);
    const between = last ? start - last.start - last.bytes.length : Infinity;
    if (!last || between > gap) segments.push({ start, bytes });
    else last.bytes = Buffer.concat([last.bytes, Buffer.alloc(between), bytes]);
  }
  return segments;
}
