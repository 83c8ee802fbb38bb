import type { AstropassErrorCode } from "./types.js";

/** A failure with the same `code` as in Rust and on the command line. */
export class AstropassError extends Error {
  override readonly name = "AstropassError";
  /** What to tell cases apart by. */
  declare readonly code: AstropassErrorCode;
  /** The server's own `error` (RFC 6749 section 5.2) or WorkOS's `code`. */
  declare readonly error?: string;
  /** The server's own words, as one line of plain text. */
  declare readonly errorDescription?: string;
  /** The HTTP status of the answer. */
  declare readonly status?: number;
  /** Seconds that the server asks to wait. */
  declare readonly retryAfter?: number;

  constructor(
    code: AstropassErrorCode,
    message: string,
    details: Pick<AstropassError, "error" | "errorDescription" | "status" | "retryAfter"> = {},
  ) {
    super(message);
    Object.assign(this, { code }, details);
  }
}

/** What a promise of the wasm rejects with, as an {@link AstropassError}; anything else as it is. */
export function toError(thrown: unknown): unknown {
  const { code, message, ...details } = thrown as AstropassError;
  return code && !(thrown instanceof Error) ? new AstropassError(code, message, details) : thrown;
}
