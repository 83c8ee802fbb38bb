import { Session, extend, imports, start } from "astropass-wasm";

type Source = BufferSource | WebAssembly.Module;

/** The JavaScript of a login. */
export type Code = typeof import("./login.js");

/** How an entry has what every page loads, and what is loaded when somebody signs in. */
export interface Modules {
  first: () => Promise<Source>;
  login: () => Promise<Source>;
  code: () => Promise<Code>;
}

/** Starts the wasm, and gives its `Session`, without what only a login needs. */
export async function load(modules: Modules): Promise<typeof Session> {
  await first(modules);
  return Session;
}

const first = once(async (modules) => {
  const exports = await instantiate(modules.first);
  start(exports);
  return exports;
});

/** What a login needs: to be awaited before what `split.mjs` names. */
export const loadLogin = once(async (modules) => {
  const exports = (async () => instantiate(modules.login, await first(modules)))();
  const [code] = await Promise.all([modules.code(), exports.then(extend)]);
  return code;
});

/** Once for all entries, and once more after a failure. */
function once<T>(begin: (modules: Modules) => Promise<T>): (modules: Modules) => Promise<T> {
  let begun: Promise<T> | undefined;
  return (modules) => {
    begun ??= begin(modules).catch((error: unknown) => {
      begun = undefined;
      throw error;
    });
    return begun;
  };
}

async function instantiate(load: () => Promise<Source>, first: WebAssembly.Exports = {}) {
  const source = await load();
  const module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
  return (await WebAssembly.instantiate(module, { ...imports(), first })).exports;
}
