// Temporary folders, gone with the process as far as nobody writes there any more.

import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = [];
const MEMORY = "/dev/shm";
/** Bytes that the profiles of all browsers may need. */
const ROOM = 2 ** 31;

/**
 * In memory where there is room. A page gives a database five seconds, and a disk that a compiler is
 * busy with may take them.
 */
export function temporaryFolder() {
  const folder = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), "astropass-browser-"));
  made.push(folder);
  return folder;
}

function hasRoom(folder) {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > ROOM;
  } catch {
    return false;
  }
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
