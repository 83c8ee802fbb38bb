// Serves the built dashboard on loopback, beside the embedded server or for another provider.
//
//   node serve.mjs [--port PORT] [--server PROGRAM] [-- SERVER_ARGUMENTS]
//   node serve.mjs [--port PORT] --config FILE
//
// PROGRAM is the path of `astropass-server`, by default $ASTROPASS_SERVER.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const DIST = fileURLToPath(new URL("dist", import.meta.url));
/** Short, so that a person sees it being renewed. */
const TOKEN_SECONDS = "60";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/**
 * Serves the files of `dist`. With `config` (the page's `/config.json`) it serves for a provider of
 * the caller's; otherwise it starts `program`, an `astropass-server`, with `serverArguments`.
 * `connect` names URLs that the page may talk to besides those in the configuration.
 * Resolves to the dashboard's `url`, the `serverUrl` of a server it started, and `close()`.
 */
export async function serveDashboard({
  port = 0,
  dist = DIST,
  config,
  connect = [],
  program = process.env.ASTROPASS_SERVER,
  serverArguments = [],
} = {}) {
  const files = readFiles(dist);
  // The embedded server must know the dashboard's origin, and the dashboard that server's.
  let settings;
  const http = createServer((request, response) => answer(request, response, files, settings));
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  const url = `http://127.0.0.1:${http.address().port}`;
  let embedded;
  const close = async () => {
    http.closeAllConnections();
    await Promise.all([new Promise((closed) => http.close(closed)), embedded?.stop()]);
  };
  try {
    if (!config) {
      embedded = await startServer(program, ["--cors-origin", url, ...serverArguments]);
      config = {
        provider: "workos",
        workosUrl: embedded.url,
        clientId: "client_test",
        server: embedded.url,
      };
    }
    settings = { config: JSON.stringify(config), policy: policyFor(config, connect) };
  } catch (error) {
    await close();
    throw error;
  }
  return { url, serverUrl: embedded?.url, close };
}

/** What may be asked for is what is in the folder: no path is ever resolved. */
function readFiles(folder) {
  const files = new Map();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = `/${relative(folder, file).split(sep).join("/")}`;
    files.set(path, { type: TYPES[extname(file)], body: readFileSync(file) });
  }
  files.set("/", files.get("/index.html"));
  return files;
}

function answer(request, response, files, settings) {
  if (!settings) {
    response.writeHead(503).end();
    return;
  }
  const path = request.url.split("?")[0];
  const file =
    path === "/config.json" ? { type: "application/json", body: settings.config } : files.get(path);
  const status = !["GET", "HEAD"].includes(request.method) ? 405 : file ? 200 : 404;
  const { type, body } = status === 200 ? file : { type: TYPES[".txt"], body: `${status}\n` };
  response.writeHead(status, {
    "content-security-policy": settings.policy,
    "content-type": type,
    "cache-control": path.startsWith("/assets/") ? "max-age=31536000, immutable" : "no-cache",
    // The page may open a sign-in window of another origin, which comes back to the other one.
    "cross-origin-opener-policy":
      path === "/popup.html" ? "unsafe-none" : "same-origin-allow-popups",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function policyFor(config, connect) {
  const urls = [config.issuer, config.workosUrl, config.server, ...connect];
  urls.push(...Object.values(config.endpoints ?? {}));
  if (config.provider === "workos" && !config.workosUrl) urls.push("https://api.workos.com");
  const origins = new Set(urls.filter(Boolean).map((url) => new URL(url).origin));
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${[...origins].join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

/** Starts the embedded server; it ends when its standard input does, so also when this dies. */
async function startServer(program, args) {
  if (!program) throw new Error("the path of astropass-server is not known: set ASTROPASS_SERVER");
  const child = spawn(
    program,
    ["--until-stdin-closes", "--access-token-ttl", TOKEN_SECONDS, ...args],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  const refused = ended.then((code) => {
    throw new Error(`${program} ended with ${code}`);
  });
  const ready = once(createInterface(child.stdout), "line");
  const [line] = await Promise.race([ready, refused]);
  refused.catch(() => {});
  return {
    url: JSON.parse(line).url,
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: "string" },
      server: { type: "string" },
      config: { type: "string" },
    },
  });
  const dashboard = await serveDashboard({
    port: Number(values.port ?? 0),
    program: values.server ?? process.env.ASTROPASS_SERVER,
    config: values.config && JSON.parse(readFileSync(values.config, "utf8")),
    serverArguments: positionals,
  });
  console.log(`The dashboard is at ${dashboard.url} (Ctrl-C ends it)`);
  const stop = () => void dashboard.close();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
