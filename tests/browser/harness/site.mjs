// The pages under test: this folder's `page/`, and the package as it was packed.

import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./folders.mjs";

const PAGE = fileURLToPath(new URL("../page", import.meta.url));
const BUILT = fileURLToPath(new URL("../../../target/npm", import.meta.url));
/** The folder with the tarball. */
const PACKED = process.env.ASTROPASS_PACKED ?? BUILT;
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};
/** A page, and the redirect URI of popups, which oidc-provider knows. */
const PAGES = { "/": "/index.html", "/callback": "/popup.html" };
/** What the README tells a page to allow, plus the test's servers on other ports. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; " +
  "connect-src http://127.0.0.1:*; img-src data:";

let unpacked;

/**
 * Serves on a port of its own: a new origin, and so a new database. It tells which files of the
 * package were asked for, and `answer` is what a test sends instead of one.
 */
export async function startSite() {
  unpacked ??= unpack();
  const { root, entries } = unpacked;
  const requested = [];
  const answers = new Map();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://site");
    response.setHeader("content-security-policy", POLICY);
    if (pathname === "/favicon.ico") return response.writeHead(204).end();
    if (entries.has(pathname)) {
      // Where a page without a bundler finds what the exports map names.
      response.setHeader("content-type", TYPES[".mjs"]);
      return response.end(`export * from "/astropass/${entries.get(pathname)}";\n`);
    }
    const [, inPackage] = /^\/astropass\/(.*)$/.exec(pathname) ?? [];
    if (inPackage !== undefined) requested.push(inPackage);
    const answer = answers.get(inPackage);
    if (answer) return answer(response);
    const file = inPackage === undefined
      ? join(PAGE, normalize(PAGES[pathname] ?? pathname))
      : join(root, normalize(`/${inPackage}`));
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    return createReadStream(file).pipe(response);
  });
  server.keepAliveTimeout = 0;
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    requested: (ending) => requested.filter((path) => path.endsWith(ending)),
    answer: (path, answer) => answers.set(path, answer),
    stop: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}

function unpack() {
  const tarballs = readdirSync(PACKED).filter((name) => /^astropass-.*\.tgz$/.test(name));
  if (tarballs.length !== 1) throw new Error(`${tarballs.length} tarballs in ${PACKED}`);
  const folder = temporaryFolder();
  execFileSync("tar", ["-xzf", join(PACKED, tarballs[0]), "-C", folder]);
  const root = join(folder, "package");
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const file = (name) => normalize(browserFile(exports[name]));
  const entries = new Map([
    ["/astropass.mjs", file(".")],
    ["/astropass-popup.mjs", file("./popup")],
  ]);
  return { root, entries };
}

/** The file of a conditional export for a page: the first condition that a browser fulfils. */
function browserFile(target) {
  if (typeof target === "string") return target;
  const condition = Object.keys(target).find((name) =>
    ["browser", "import", "module", "default"].includes(name));
  return browserFile(target[condition]);
}
