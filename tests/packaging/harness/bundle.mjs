// Each bundler as somebody uses it who has configured nothing but what to build and where to.

import assert from "node:assert/strict";
import { join } from "node:path";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import * as vite from "vite";
import webpack from "webpack";

/** By name: bundles `entry`.js of `folder` into its `out`; Vite starts from `entry`.html. */
export const bundlers = {
  esbuild: async (folder, entry) => {
    const { warnings } = await esbuild.build({
      absWorkingDir: folder,
      entryPoints: [`${entry}.js`],
      outdir: "out",
      bundle: true,
      minify: true,
      format: "esm",
      logLevel: "error",
    });
    silent(warnings.map(({ text }) => text));
  },
  rollup: async (folder, entry) => {
    const input = join(folder, `${entry}.js`);
    const warnings = [];
    const onwarn = ({ message }) => void warnings.push(message);
    const bundle = await rollup({ input, plugins: [nodeResolve()], onwarn });
    await bundle.write({ dir: join(folder, "out"), format: "es" });
    await bundle.close();
    silent(warnings);
  },
  webpack: async (folder, entry) => {
    const output = { path: join(folder, "out"), filename: `${entry}.js`, publicPath: "auto" };
    const from = { context: folder, entry: `./${entry}.js` };
    const compiler = webpack({ mode: "production", ...from, output });
    const stats = await new Promise((resolve, reject) => {
      compiler.run((error, stats) => (error ? reject(error) : resolve(stats)));
    });
    await new Promise((resolve) => compiler.close(resolve));
    const { errors, warnings } = stats.toJson({ preset: "errors-warnings" });
    silent([...errors, ...warnings].map(({ message }) => message));
  },
  vite: async (folder, entry) => {
    const warnings = [];
    const customLogger = vite.createLogger("silent");
    customLogger.warn = customLogger.warnOnce = (text) => void warnings.push(text);
    await vite.build({
      root: folder,
      configFile: false,
      customLogger,
      logLevel: "warn",
      build: { outDir: "out", rolldownOptions: { input: join(folder, `${entry}.html`) } },
    });
    silent(warnings);
  },
};

/** A package that makes a user's bundler complain is not finished. */
function silent(warnings) {
  assert.deepEqual(warnings, [], "warnings of the bundler");
}
