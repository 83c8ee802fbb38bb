// Temporary folders, gone with the process as far as nobody writes there any more.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = [];

export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "astropass-browser-"));
  made.push(folder);
  return folder;
}

process.on("exit", () => {
  for (const folder of made) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // Parts of a browser outlive it a little, which is no test's failure.
    }
  }
});
