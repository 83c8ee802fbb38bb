import { Session, extend, imports, start } from "astropass-wasm";

type Source = BufferSource | WebAssembly.Module;

/** How an entry has the wasm: what every page loads, and what is loaded when somebody signs in. */
export interface Modules {
  first: () => Promise<Source>;
  login: () => Promise<Source>;
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

/** What a login needs: to be awaited before `login` and `switchOrganization` of `Session`. */
export const loadLogin = once(async (modules) => {
  extend(await instantiate(modules.login, await first(modules)));
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
