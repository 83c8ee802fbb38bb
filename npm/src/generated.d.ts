// Modules that `build.mjs` makes.

declare module "*/inlined.js" {
  /** `astropass.wasm`, by gzip and in base64. */
  export const compressed: string;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
