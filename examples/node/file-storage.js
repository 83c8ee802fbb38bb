import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** A storage in one JSON file that only its owner can read; the tokens are in it in clear. */
export class FileStorage {
  #path;

  constructor(path) {
    this.#path = path;
  }

  get(key) {
    return this.#read()[key];
  }

  set(key, value) {
    this.#write({ ...this.#read(), [key]: value });
  }

  delete(key) {
    const { [key]: _removed, ...rest } = this.#read();
    this.#write(rest);
  }

  #read() {
    try {
      return JSON.parse(readFileSync(this.#path, "utf8"));
    } catch (error) {
      if (error.code === "ENOENT") return {};
      throw error;
    }
  }

  // Whole or not at all, and on the disk before this returns: the server has forgotten the old one.
  #write(values) {
    const next = `${this.#path}.${process.pid}`;
    writeFileSync(next, JSON.stringify(values), { mode: 0o600, flush: true });
    renameSync(next, this.#path);
  }
}
