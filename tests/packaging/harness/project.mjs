// A fresh project that has installed the tarball, as a user's would, but offline.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { LIMIT } from "../../browser/harness/figures.mjs";
import { here, installed, tarball } from "./paths.mjs";

const run = promisify(execFile);

/**
 * A folder that is deleted after test `t`, with the tarball installed, these files of fixtures/,
 * and these packages of ours (the network is not needed at test time).
 */
export async function project(t, files, packages = []) {
  const folder = await temporary(t);
  const manifest = { name: "fresh", version: "1.0.0", private: true, type: "module" };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await install(folder);
  for (const name of files) await cp(join(here, "fixtures", name), join(folder, name));
  for (const name of packages) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(installed(name), link);
  }
  return folder;
}

export async function temporary(t) {
  const folder = await mkdtemp(join(tmpdir(), "astropass-packaging-"));
  // Servers that end after this may still write there.
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Installs the tarball there; a manifest that has a dependency `astropass` gets it replaced. */
export async function install(folder) {
  const quiet = ["--offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["install", ...quiet, tarball()], { cwd: folder });
}

/** Runs a program to its end there and gives its output; if it fails, the error has it. */
export async function command(folder, program, args, environment = {}) {
  const env = { ...process.env, ...environment };
  try {
    return (await run(program, args, { cwd: folder, env, ...LIMIT })).stdout;
  } catch (error) {
    error.message += error.stdout;
    throw error;
  }
}
