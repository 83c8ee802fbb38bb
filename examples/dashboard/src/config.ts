import type { AstropassOptions } from "astropass";

/** What `/config.json` holds: where to sign in, as whom, and where the API is. */
export type Config = Pick<
  AstropassOptions,
  "clientId" | "provider" | "workosUrl" | "issuer" | "endpoints" | "scopes" | "server" | "profile"
>;

export async function loadConfig(): Promise<Config> {
  const response = await fetch("/config.json", { cache: "no-store" });
  if (!response.ok) throw new Error(`/config.json: HTTP ${response.status}`);
  return (await response.json()) as Config;
}
