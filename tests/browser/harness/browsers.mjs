// Chromium (over CDP) and Firefox (over WebDriver BiDi), by one driver and one set of calls.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import puppeteer from "puppeteer-core";
import { CHROMIUM_ARGUMENTS } from "./chromium-arguments.mjs";
import { keepConsoles } from "./console.mjs";
import { temporaryFolder } from "./folders.mjs";

export const KINDS = ["chromium", "firefox"];

const PROGRAMS = { chromium: ["chromium"], firefox: ["firefox-esr", "firefox"] };

/** Starts a browser on `profile`; a second start on the same folder is the browser's restart. */
export async function launch(kind, { profile = temporaryFolder(), preferences = {}, without = [] } = {}) {
  const browser = await puppeteer.launch({
    browser: kind === "chromium" ? "chrome" : "firefox",
    executablePath: program(kind),
    userDataDir: profile,
    ignoreDefaultArgs: without,
    args: kind === "chromium" ? CHROMIUM_ARGUMENTS : [],
    extraPrefsFirefox: preferences,
    // On a slow machine everything takes its time, and a test has one deadline for all of it.
    timeout: 0,
    protocolTimeout: 0,
  });
  keepConsoles(browser);
  return browser;
}

/** `page`, in which nothing that is waited for has a deadline of its own either. */
export function patient(page) {
  page.setDefaultTimeout(0);
  return page;
}

function program(kind) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = PROGRAMS[kind]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`not installed: ${PROGRAMS[kind].join(" or ")}`);
  return found;
}
