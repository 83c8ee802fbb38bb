// npm `oidc-provider`, as published, on a loopback port: the standard server of the tests.
//
//   node oidc-provider.mjs '{"access_token_ttl": 5}'
//   -> {"url": "http://127.0.0.1:PORT", "client_id": …, "spa_client_id": …}
//
// `url` is the issuer. Its own development pages are on, so that a person (or approve.mjs) signs in
// with any name and password, and approves or denies there.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { listen, options, ready } from './wrapper.mjs';

const config = options({
  port: 0,
  // Seconds. The provider deletes what is expired 15 s after that (its clock tolerance).
  access_token_ttl: 3600,
  id_token_ttl: 3600,
  refresh_token_ttl: 14 * 24 * 3600,
  device_code_ttl: 600,
  authorization_code_ttl: 60,
  // Each refresh gives a new refresh token, and the use of an old one ends the whole grant.
  rotate: true,
  // Puts email and name into the ID token, and not only into the userinfo response.
  claims_in_id_token: false,
  // Other paths, for clients that believe they know them: {"token": "/oauth/token"}.
  routes: {},
  // Name at the sign-in page -> claims. Any other name signs in too, with claims made from it.
  users: { ada: { email: 'ada@example.com', name: 'Ada Lovelace' } },
});

// Both are advice to people who would run it in production, and one of them goes to stdout.
console.info = () => {};
console.warn = () => {};
const { Provider } = await import('oidc-provider');

const LOOPBACK = ['http://127.0.0.1', 'http://[::1]', 'http://localhost'];
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

/** A public client; as a native one it may use any loopback port (RFC 8252 section 7.3). */
function publicClient(clientId, name, grantTypes) {
  return {
    client_id: clientId,
    client_name: name,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: grantTypes,
    response_types: ['code'],
    redirect_uris: LOOPBACK.flatMap((host) => [`${host}/`, `${host}/callback`]),
  };
}

function account(_ctx, id) {
  const known = config.users[id] ?? { email: `${id}@example.com`, name: id };
  return { accountId: id, claims: () => ({ sub: id, email_verified: true, ...known }) };
}

const { server, port } = await listen(config.port);
const url = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(url, {
  clients: [
    publicClient('astropass-cli', 'astropass', [
      DEVICE_CODE,
      'authorization_code',
      'refresh_token',
    ]),
    publicClient('astropass-spa', 'astropass page', [
      DEVICE_CODE,
      'authorization_code',
      'refresh_token',
    ]),
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  findAccount: account,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  conformIdTokenClaims: !config.claims_in_id_token,
  rotateRefreshToken: config.rotate,
  clientBasedCORS: (_ctx, origin, client) =>
    client?.clientId === 'astropass-spa' &&
    LOOPBACK.some((host) => origin === host || origin.startsWith(`${host}:`)),
  features: {
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: true },
  },
  routes: config.routes,
  ttl: {
    AccessToken: config.access_token_ttl,
    AuthorizationCode: config.authorization_code_ttl,
    DeviceCode: config.device_code_ttl,
    IdToken: config.id_token_ttl,
    RefreshToken: config.refresh_token_ttl,
    Interaction: 3600,
    Session: 24 * 3600,
    Grant: 14 * 24 * 3600,
  },
});

server.on('request', provider.callback());
ready({ url, client_id: 'astropass-cli', spa_client_id: 'astropass-spa' });
