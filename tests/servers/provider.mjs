// npm `oidc-provider` as both of its wrappers want it.

import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';

/** Every token has it, so that a leak can be found by `grep`: see tests/src/server/token.rs. */
export const MARKER = 'Y2FuYXJ5';

export const LOOPBACK = ['http://127.0.0.1', 'http://[::1]', 'http://localhost'];

/** The options that both have; a test may change them while the server runs. */
export const PROVIDER_OPTIONS = {
  // Seconds.
  access_token_ttl: 3600,
  id_token_ttl: 3600,
  refresh_token_ttl: 14 * 24 * 3600,
  authorization_code_ttl: 60,
  // Each refresh gives a new refresh token, and the use of an old one ends the whole grant.
  rotate: true,
};

/** A public client, which proves itself by PKCE only. */
export function publicClient(clientId, name, grantTypes, rest) {
  return {
    client_id: clientId,
    client_name: name,
    token_endpoint_auth_method: 'none',
    grant_types: grantTypes,
    response_types: ['code'],
    ...rest,
  };
}

/**
 * A private key, by way of its text: the two objects of a pair share a lock in Node.js 20, and an
 * export hangs for good where the other one is collected meanwhile.
 */
export function rsaKey() {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return createPrivateKey(privateKey);
}

/** A provider whose key has the id `kid`. */
export async function createProvider(issuer, config, kid, { features, ttl, ...rest }) {
  // Both are advice to people who would run it in production, and one of them goes to stdout.
  console.info = () => {};
  console.warn = () => {};
  const { Provider, errors } = await import('oidc-provider');
  const privateKey = rsaKey();
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
  const provider = new Provider(issuer, {
    jwks: { keys: [jwk] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    rotateRefreshToken: () => config.rotate,
    features: {
      revocation: { enabled: true },
      introspection: { enabled: true },
      devInteractions: { enabled: true },
      ...features,
    },
    ttl: {
      AccessToken: () => config.access_token_ttl,
      AuthorizationCode: () => config.authorization_code_ttl,
      IdToken: () => config.id_token_ttl,
      RefreshToken: () => config.refresh_token_ttl,
      Interaction: 3600,
      Session: 24 * 3600,
      Grant: 14 * 24 * 3600,
      ...ttl,
    },
    ...rest,
  });
  mark(provider);
  return { provider, privateKey, errors };
}

/** Puts the marker into what the provider makes of random characters. */
function mark({ AccessToken, AuthorizationCode, DeviceCode, RefreshToken }) {
  for (const { prototype } of [AccessToken, AuthorizationCode, DeviceCode, RefreshToken]) {
    const identify = prototype.generateTokenId;
    prototype.generateTokenId = function () {
      return MARKER + identify.call(this);
    };
  }
}
