// The person who approves: a tab of the same browser at the server's own page, with real clicks.

import assert from "node:assert/strict";

const STEPS = 8;

/** Goes through the pages as their forms ask; `prompt` is what the package gave to show. */
export async function decide(browser, prompt, { deny = false, name = "ada" } = {}) {
  const tab = await browser.newPage();
  try {
    await tab.goto(prompt.verificationUriComplete);
    for (let step = 0; step < STEPS; step += 1) {
      await tab.waitForFunction(somethingToDo);
      if ((await tab.$("button")) === null) return await tab.title();
      for (const field of await tab.$$("input[name=login], input[name=password]")) {
        await field.type(name);
      }
      const denial = deny ? await tab.$("button[value=deny], button[name=abort]") : null;
      const button = denial ?? (await tab.$("button:not([name=abort])"));
      await tab.evaluate(() => document.documentElement.setAttribute("data-done", ""));
      await button.click();
      if (denial !== null) {
        await tab.waitForFunction(somethingToDo);
        return await tab.title();
      }
    }
    return assert.fail(`still a form after ${STEPS} pages: ${await tab.title()}`);
  } finally {
    await tab.close();
  }
}

/** A new page, and none that goes on by itself (a form without a button). */
function somethingToDo() {
  const { documentElement, forms, readyState } = document;
  return (
    readyState === "complete" &&
    !documentElement.hasAttribute("data-done") &&
    (forms.length === 0 || document.querySelector("button, input[type=text]") !== null)
  );
}
