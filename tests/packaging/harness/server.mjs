// Servers as child processes; first of all the embedded one (tests/SERVER.md).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { serverProgram } from "./paths.mjs";

/** Starts it for test `t`: everybody is approved at once, and may be polled as one likes. */
export async function server(t, ...options) {
  const args = ["--until-stdin-closes", "--admin", "--cors-origin", "*", "--auto-approve"];
  const { url } = await started(t, serverProgram(), [...args, "--interval", "0", ...options]);
  return { url, stats: async () => (await fetch(`${url}/_test/stats`)).json() };
}

/** Starts a server that says in a line of JSON when it is ready, and ends with its stdin. */
export async function started(t, path, args) {
  const child = spawn(path, args, { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => stop(child));
  return JSON.parse(await firstLine(child));
}

/** The first line of its output; it rejects if there is none. */
export async function firstLine(child) {
  const lines = createInterface({ input: child.stdout });
  const ended = once(lines, "close").then(() => {
    throw new Error(`${child.spawnfile} ended before it was ready`);
  });
  const [line] = await Promise.race([once(lines, "line"), ended]);
  ended.catch(() => {});
  return line;
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.stdin.end();
  await ended;
}
