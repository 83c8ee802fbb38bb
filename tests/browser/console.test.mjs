// A search of what pages print that misses something would let a leak pass.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { patient } from "./harness/browsers.mjs";
import { temporaryFolder } from "./harness/folders.mjs";
import { eventually, inBrowsers } from "./harness/world.mjs";

// This file's own, since it is to print.
const folder = (process.env.ASTROPASS_TEST_LOGS = temporaryFolder());

inBrowsers("what pages, windows and workers print is kept", async (world) => {
  const page = await world.tab();
  const opened = new Promise((opened) => page.once("popup", opened));
  await page.evaluate((kind) => {
    console.log(`${kind} text`, { in: { an: `${kind} object` } }, new Error(`${kind} error`));
    console.debug(`${kind} debug`);
    setTimeout(() => {
      throw new Error(`${kind} thrown`);
    });
    Promise.reject(new Error(`${kind} rejected`));
    window.open("/");
    new Worker("/print.mjs", { type: "module", name: kind });
  }, world.kind);
  const popup = patient(await opened);
  await popup.waitForFunction(() => window.login);
  await popup.evaluate((kind) => console.log(`${kind} window`), world.kind);
  const wanted = ["text", "object", "debug", "thrown", "rejected", "window"];
  // Firefox tells its driver neither what workers print nor what an error is that is printed.
  if (world.kind === "chromium") wanted.push("error", "worker");
  await eventually(kept, (text) => wanted.every((word) => text.includes(`${world.kind} ${word}`)));
  await popup.close();
});

function kept() {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
}
