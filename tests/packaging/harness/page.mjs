// A page in Chromium, which is started once for a test file.

import { after } from "node:test";
import { LIMIT } from "../../browser/harness/figures.mjs";
import { launch } from "./chromium.mjs";

let started;
after(async () => (await started)?.close());

/**
 * Opens `url` with nothing stored yet, and gives what its script left as `globalThis.result`. An
 * error that the page did not catch, and a file it did not get, fail at once.
 */
export async function resultOf(url) {
  const context = await (await (started ??= launch())).newContext();
  try {
    context.setDefaultTimeout(LIMIT.timeout);
    const page = await context.newPage();
    const failed = failure(page);
    await page.goto(url);
    // It is a promise: true once it has settled, and rejected if it has.
    const settled = page.waitForFunction(() => globalThis.result?.then(() => true));
    const result = settled.then(() => page.evaluate(() => globalThis.result));
    return await Promise.race([result, failed]);
  } finally {
    await context.close();
  }
}

function failure(page) {
  const failed = new Promise((_resolve, reject) => {
    page.on("pageerror", reject);
    page.on("response", (response) => {
      const missing = response.status() === 404 && !response.url().endsWith("/favicon.ico");
      if (missing) reject(new Error(`${response.url()} was not found`));
    });
  });
  failed.catch(() => {});
  return failed;
}
