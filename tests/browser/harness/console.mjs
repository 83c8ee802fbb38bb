// What pages and workers print, and the errors that nobody caught in them, for tests/search-output.

import { appendFileSync } from "node:fs";
import { join } from "node:path";

const kept = new WeakSet();

/** Keeps what is printed in every page and worker of `browser`. */
export function keepConsoles(browser) {
  browser.on("targetcreated", async (target) => {
    // One that is gone has nothing more to say.
    const page = await target.page().catch(() => null);
    if (page) return keepConsole(page);
    if (!["shared_worker", "service_worker"].includes(target.type())) return undefined;
    const worker = await target.worker().catch(() => null);
    return worker?.client.on("Runtime.consoleAPICalled", ({ args }) => keep(JSON.stringify(args)));
  });
}

/** The same of a page from now on: the browser tells of it somewhat later. */
export function keepConsole(page) {
  if (kept.has(page)) return;
  kept.add(page);
  page.on("console", (message) => {
    keep(`${message.type()}: ${message.text()}`);
    // An object's text says little, unless it has gone with its page.
    for (const value of message.args()) value.evaluate(whole).then(keep, () => {});
  });
  page.on("pageerror", (error) => keep(`uncaught: ${error?.stack ?? error} ${error?.cause ?? ""}`));
}

function whole(value) {
  return value instanceof Error ? `${value} ${value.stack}` : JSON.stringify(value);
}

function keep(line) {
  const folder = process.env.ASTROPASS_TEST_LOGS;
  if (folder) appendFileSync(join(folder, `browser-${process.pid}.log`), `${line}\n`);
}
