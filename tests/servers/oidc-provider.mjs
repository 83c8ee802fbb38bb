// npm `oidc-provider`, as published, on a loopback port: the standard server of the tests.
//
//   node oidc-provider.mjs '{"access_token_ttl": 5}'
//   -> {"url": "http://127.0.0.1:PORT", "client_id": …, "spa_client_id": …, "control": …}
//
// `url` is the issuer. Its own development pages are on, so that a person (or person.mjs) signs in
// with any name and password, and approves or denies there. `control`: see control.mjs.

import { Control } from './control.mjs';
import { LOOPBACK, PROVIDER_OPTIONS, createProvider, publicClient } from './provider.mjs';
import { listen, options, ready } from './wrapper.mjs';

const config = options({
  ...PROVIDER_OPTIONS,
  port: 0,
  // Seconds. The provider deletes what is expired 15 s after that (its clock tolerance).
  device_code_ttl: 600,
  // Whether it has an endpoint for device authorization, and says so.
  device_flow: true,
  // The paths of the redirect URIs, at any port of 127.0.0.1, [::1] and localhost.
  redirect_paths: ['/', '/callback'],
  // Puts email and name into the ID token, and not only into the userinfo response.
  claims_in_id_token: false,
  // Other paths, for clients that believe they know them: {"token": "/oauth/token"}.
  routes: {},
  // Name at the sign-in page -> claims. Any other name signs in too, with claims made from it.
  users: { ada: { email: 'ada@example.com', name: 'Ada Lovelace' } },
  faults: [],
});

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

function account(_ctx, id) {
  const known = config.users[id] ?? { email: `${id}@example.com`, name: id };
  return { accountId: id, claims: () => ({ sub: id, email_verified: true, ...known }) };
}

/** As a native client it may use any loopback port (RFC 8252 section 7.3). */
function nativeClient(clientId, name) {
  const deviceFlow = config.device_flow ? [DEVICE_CODE] : [];
  return publicClient(clientId, name, [...deviceFlow, 'authorization_code', 'refresh_token'], {
    application_type: 'native',
    redirect_uris: LOOPBACK.flatMap((host) => config.redirect_paths.map((path) => host + path)),
  });
}

const { server, port } = await listen(config.port);
const url = `http://127.0.0.1:${port}`;
const { provider } = await createProvider(url, config, 'canary.canary.canary-oidc', {
  clients: [
    nativeClient('astropass-cli', 'astropass'),
    nativeClient('astropass-spa', 'astropass page'),
  ],
  findAccount: account,
  conformIdTokenClaims: !config.claims_in_id_token,
  clientBasedCORS: (_ctx, origin, client) =>
    client?.clientId === 'astropass-spa' &&
    LOOPBACK.some((host) => origin === host || origin.startsWith(`${host}:`)),
  features: { deviceFlow: { enabled: config.device_flow } },
  routes: config.routes,
  ttl: { DeviceCode: () => config.device_code_ttl },
});

const control = new Control(config);
control.watch('login', server, provider.callback());
ready({
  url,
  client_id: 'astropass-cli',
  spa_client_id: 'astropass-spa',
  control: await control.listen(),
});
