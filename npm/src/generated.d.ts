// Modules that `build.mjs` makes.

declare module "*.wasm?inlined" {
  /** The module, by gzip and in base64. */
  const compressed: string;
  export default compressed;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
