// Chromium, with a profile of its own that goes with it.

import { chromium } from "playwright-core";
import { CHROMIUM_ARGUMENTS } from "../../browser/harness/chromium-arguments.mjs";
import { LIMIT } from "../../browser/harness/figures.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const launch = () => chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS, ...LIMIT });
