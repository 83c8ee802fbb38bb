// How each library gets a stored session: by signing in, in its own page.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { server, started } from "../packaging/harness/server.mjs";
import { answerAsMicrosoft } from "./microsoft.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** Libraries in the order of the table; `provider` is where `signIn` takes a page through. */
export async function libraries(t) {
  const { url } = await server(t, "--access-token-ttl", "3600");
  const program = join(here, "../servers/oidc-provider.mjs");
  const oidc = await started(t, process.execPath, [program]);
  return [
    { name: "astropass-url", provider: url, signIn: signInHere },
    { name: "astropass", provider: url, signIn: signInHere },
    { name: "oidc-client-ts", provider: oidc.url, signIn: signInAtOidcProvider },
    { name: "msal-browser", provider: "", signIn: signInAtMicrosoft },
  ];
}

async function signInHere(page) {
  await page.evaluate(() => globalThis.bench.signIn());
}

async function signInAtOidcProvider(page) {
  await page.evaluate(() => void globalThis.bench.signIn());
  await page.fill("input[name=login]", "ada");
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  // The page that asks for consent.
  await page.waitForSelector("input[name=prompt][value=consent]", { state: "attached" });
  await page.click("button[type=submit]");
  await page.waitForURL(/[?&]code=/);
  await page.evaluate(() => globalThis.bench.signIn());
}

async function signInAtMicrosoft(page) {
  await answerAsMicrosoft(page.context());
  await page.evaluate(() => void globalThis.bench.signIn());
  await page.waitForURL(/#code=/);
  await page.evaluate(() => globalThis.bench.signIn());
}
