import { createHash } from "node:crypto";

/**
 * What `sha256sum` would say of these files.
 *
 * @param {Record<string, Uint8Array>} files
 */
export function hashes(files) {
  const lines = Object.entries(files).map(([name, bytes]) => {
    return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
  });
  return lines.join("");
}
