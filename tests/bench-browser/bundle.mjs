// What a page loads for a package, bundled and minified in one way for all.

import { mkdtemp, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

/** The built package that is measured: $ASTROPASS_PACKAGE, or npm/ of this checkout. */
export const packageFolder = process.env.ASTROPASS_PACKAGE ?? join(here, "../../npm");

/** The bytes of the scripts that `source` becomes: of what is loaded at once. */
export async function script(source, resolveDir) {
  return (await scripts(source, resolveDir)).first;
}

/** The same as what is loaded at once, and what is loaded `later`. */
export async function scripts(source, resolveDir) {
  const files = await bundled(source, resolveDir);
  const bytes = (wanted) => Buffer.concat(files.filter(wanted).map(({ contents }) => contents));
  return { first: bytes(({ isFirst }) => isFirst), later: bytes(({ isFirst }) => !isFirst) };
}

/** The files that `source` becomes, and which are loaded at once; the one to load is the entry. */
export async function bundled(source, resolveDir = here) {
  // `astropass` is found as any package is, by its manifest.
  const folder = await mkdtemp(join(tmpdir(), "astropass-size-"));
  try {
    await mkdir(join(folder, "node_modules"));
    await symlink(packageFolder, join(folder, "node_modules/astropass"));
    const result = await build({
      stdin: { contents: source, resolveDir },
      nodePaths: [join(folder, "node_modules")],
      bundle: true,
      minify: true,
      format: "esm",
      splitting: true,
      outdir: folder,
      write: false,
      metafile: true,
      logLevel: "error",
    });
    const { outputs } = result.metafile;
    const atOnce = (path) => [
      path,
      ...outputs[path].imports.filter(({ kind }) => kind === "import-statement").flatMap(({ path }) => atOnce(path)),
    ];
    const [entry] = Object.keys(outputs).filter((path) => outputs[path].entryPoint === "<stdin>");
    const first = new Set(atOnce(entry));
    return Object.keys(outputs).map((path) => ({
      name: basename(path),
      isEntry: path === entry,
      isFirst: first.has(path),
      contents: result.outputFiles.find((file) => file.path === resolve(path)).contents,
    }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A file of wasm that `astropass/url` fetches. */
export async function wasm(name) {
  const manifest = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8"));
  return readFile(join(packageFolder, manifest.exports[`./${name}`]));
}

export const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
