// The authorization servers: programs that say in one line of JSON where they are, and that stop
// when their stdin ends, so that a test that dies takes them along.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const OIDC_PROVIDER = fileURLToPath(new URL("../../servers/oidc-provider.mjs", import.meta.url));
const BUILT = fileURLToPath(new URL("../../../target/debug/astropass-server", import.meta.url));
export const EMBEDDED = process.env.ASTROPASS_SERVER ?? BUILT;

/** npm `oidc-provider`, with its CORS as it comes. */
export async function startOidcProvider(options = {}) {
  const program = await start(process.execPath, [OIDC_PROVIDER, JSON.stringify(options)]);
  return { url: program.facts.url, clientId: program.facts.spa_client_id, stop: program.stop };
}

/** The embedded server (tests/SERVER.md); pages of `origin` may read its answers. */
export async function startEmbedded(origin, options = []) {
  const program = await start(EMBEDDED, [
    "--until-stdin-closes",
    "--admin",
    "--cors-origin",
    origin,
    "--interval",
    "1",
    ...options,
  ]);
  const { url } = program.facts;
  return { url, clientId: "client_test", stop: program.stop, ...admin(url) };
}

/** What a test does to an embedded server that runs with `--admin`. */
export function admin(url) {
  async function ask(path, body, method = body === undefined ? "GET" : "POST") {
    const response = await fetch(`${url}/_test/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`/_test/${path} answered ${response.status}`);
    return response.json();
  }

  return {
    stats: () => ask("stats"),
    journal: async () => (await ask("journal")).events,
    /** Every secret that it gave out: for searching, not for showing. */
    issued: async () => (await ask("issued")).issued,
    advance: (seconds) => ask("advance", { seconds }),
    approve: (userCode, user) => ask("approve", { user_code: userCode, user }),
    deny: (userCode) => ask("deny", { user_code: userCode }),
    revokeAccessTokens: () => ask("revoke-access-tokens", {}),
    revokeSessions: () => ask("revoke-sessions", {}),
    fault: (fault) => ask("faults", { fault }),
    mend: () => ask("faults", undefined, "DELETE"),
  };
}

async function start(command, parameters) {
  const child = spawn(command, parameters, { stdio: ["pipe", "pipe", "inherit"] });
  const failed = once(child, "error").then(([error]) => Promise.reject(error));
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const said = await Promise.race([
    once(lines, "line"),
    failed,
    ended.then(([code]) => Promise.reject(new Error(`${command} ended with ${code}`))),
  ]);
  return {
    facts: JSON.parse(said[0]),
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
