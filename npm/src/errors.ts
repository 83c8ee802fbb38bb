import type { AstropassErrorCode } from "./types.js";

/** A failure with the same `code` as in Rust and on the command line. */
export class AstropassError extends Error {
  override readonly name = "AstropassError";
  /** What to tell cases apart by. */
  readonly code: AstropassErrorCode;
  /** The server's own `error` (RFC 6749 section 5.2) or WorkOS's `code`. */
  readonly error?: string;
  /** The server's own words, as one line of plain text. */
  readonly errorDescription?: string;
  /** The HTTP status of the answer. */
  readonly status?: number;
  /** Seconds that the server asks to wait. */
  readonly retryAfter?: number;

  constructor(
    code: AstropassErrorCode,
    message: string,
    details: Pick<AstropassError, "error" | "errorDescription" | "status" | "retryAfter"> = {},
  ) {
    super(message);
    this.code = code;
    this.error = details.error;
    this.errorDescription = details.errorDescription;
    this.status = details.status;
    this.retryAfter = details.retryAfter;
  }
}

/** What a promise of the wasm rejects with, as an {@link AstropassError}; anything else as it is. */
export function toError(thrown: unknown): unknown {
  const { code, message, ...details } = thrown as AstropassError;
  return code && !(thrown instanceof Error) ? new AstropassError(code, message, details) : thrown;
}
