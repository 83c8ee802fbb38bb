import { Session } from "astropass-wasm";

let loading: Promise<typeof Session> | undefined;

/** Starts the wasm by `start`, once for all entries, and once more after a failure. */
export function load(start: () => Promise<unknown>): Promise<typeof Session> {
  loading ??= start().then(
    () => Session,
    (error: unknown) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}
