// The person who approves: in a tab of the same browser at the server's own pages, with real clicks.

import assert from "node:assert/strict";
import { patient } from "./browsers.mjs";

const STEPS = 8;
const DENIAL = "button[value=deny], button[name=abort], a[href$='/abort']";

/** Goes through the pages as their forms ask; `prompt` is what the package gave to show. */
export async function decide(browser, prompt, decision) {
  const tab = patient(await browser.newPage());
  try {
    await tab.goto(prompt.verificationUriComplete);
    await answer(tab, decision);
    return await tab.title();
  } finally {
    await tab.close();
  }
}

/** The same in a tab that is there already, up to the first page without a form. */
export async function answer(tab, { deny = false, name = "ada" } = {}) {
  // In the background nothing can be clicked.
  await tab.bringToFront();
  for (let step = 0; step < STEPS; step += 1) {
    await says(tab, somethingToDo);
    if ((await tab.$("button")) === null) return;
    for (const field of await tab.$$("input[name=login], input[name=password]")) {
      await field.type(name);
    }
    const denial = deny ? await tab.$(DENIAL) : null;
    const chosen = denial ?? (await tab.$("button:not([name=abort])"));
    await tab.evaluate(done);
    await chosen.click();
    if (denial !== null) {
      await says(tab, somethingToDo);
      return;
    }
  }
  assert.fail(`still a form after ${STEPS} pages: ${await tab.title()}`);
}

/**
 * Waits until the page of `tab` says so. While one takes the place of another there may be nobody to
 * say anything, and Firefox has more words for that than its driver knows.
 */
export async function says(tab, question) {
  for (;;) {
    const answer = await tab.evaluate(question).catch((error) => {
      if (tab.isClosed()) throw error;
    });
    if (answer) return;
    await new Promise((soon) => setTimeout(soon, 20));
  }
}

/** Marks a page that a tab is about to leave. */
export function done() {
  document.documentElement.setAttribute("data-done", "");
}

/**
 * Run in a page: a window that it opens has the focus until it is closed, as with a screen. Without
 * one every page of Chromium says that it has it.
 */
export function focusPopups() {
  const { open } = window;
  window.open = (...asked) => (window.opened = open.apply(window, asked));
  document.hasFocus = () => !window.opened || window.opened.closed;
}

/** A new page, and none that goes on by itself (a form without a button). */
function somethingToDo() {
  const { URL: url, documentElement, forms, readyState } = document;
  return (
    // A new process may begin with an empty page.
    url !== "about:blank" &&
    readyState === "complete" &&
    !documentElement.hasAttribute("data-done") &&
    (forms.length === 0 || document.querySelector("button, input[type=text]") !== null)
  );
}
