import { AstropassError } from "./errors.js";
import type { AstropassOptions } from "./types.js";

const WORKOS = "https://api.workos.com";
const SCOPES = ["openid", "profile", "email", "offline_access"];

function wrong(problem: string): AstropassError {
  return new AstropassError("misuse", `Astropass.create(): ${problem}`);
}

/** Where the session is to be kept. */
export function storageOf({ storage = "indexeddb" }: AstropassOptions) {
  if (storage === "indexeddb" || storage === "memory" || typeof storage?.get === "function") {
    return storage;
  }
  throw wrong('storage is "indexeddb", "memory" or an AstropassStorage');
}

/** What the wasm needs to know of the options: a provider as it stores one, and more. */
export function providerOf(options: AstropassOptions) {
  const { provider, clientId, endpoints: given, issuer, scopes = SCOPES } = options;
  if (!clientId) throw wrong("give a clientId");
  if (provider && (provider !== "workos" || issuer || given)) {
    throw wrong('provider is "workos", without an issuer or endpoints, or left out');
  }
  const endpoints = {
    authorization: given?.authorization,
    device_authorization: given?.deviceAuthorization,
    token: given?.token,
    revocation: given?.revocation,
    userinfo: given?.userinfo,
  };
  const profile = options.profile ?? "default";
  const client_id = String(clientId);
  const known = { kind: "oidc", client_id, endpoints, scopes: Array.from(scopes, String), profile };
  if (provider) {
    return { ...known, kind: "workos", scopes: [], issuer: options.workosUrl ?? WORKOS };
  }
  const token = given?.token;
  const isWhole = token && (given.deviceAuthorization ?? given.authorization);
  if (issuer !== undefined) return { ...known, issuer: String(issuer), discover: !isWhole };
  // A provider without metadata is known by where its tokens come from.
  if (token) return { ...known, issuer: URL.canParse(token) ? new URL(token).origin : token };
  throw wrong("give a provider, an issuer or endpoints");
}

/** The API server, as a base that paths are appended to. */
export function apiServer(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(url?.hostname ?? "");
  const extra = url && (url.username || url.password || url.search || url.hash);
  if (extra) throw new AstropassError("invalid_url", "the API server's URL has more than a path");
  if (url?.protocol === "https:" || (url?.protocol === "http:" && loopback)) return url;
  throw new AstropassError(
    "invalid_url",
    "the API server must be an absolute URL: https, or http on loopback",
  );
}
