// WorkOS's own emulator (npm `workos`), as published, on a loopback port.
//
//   node workos.mjs '{}'
//   -> {"url": "http://127.0.0.1:PORT", "client_id": …, "user": {…}, "organizations": [{"id", "name"}]}
//
// The emulator differs from the service it stands for. What is mended here, so that nothing in the
// product has to know of it:
//
// 1. It binds every interface. Its server never listens at all: the requests of our loopback socket
//    are handed to it.
// 2. It asks for a secret key at the start of a device flow, which a public client does not have and
//    the service does not want. The key is added to that one request.
// 3. It names `http://localhost:0/…` as the verification URI, which no browser can open. It becomes
//    the same path at the real port. (There is no page behind it: the emulator approves at once.)
// 4. Its access tokens always live an hour, so that no test could see one expire. With the option
//    `access_token_ttl` its own signer is told a shorter time.
// 5. Nothing in its tokens tells them from other text. They get the marker of all tokens here.
// 6. A membership can be seeded only with a user id that is not known before. It is created through
//    its API.
//
// Not mended: only JSON bodies, errors as {code, message}, no `expires_in`, no grace on a replay.

import { Server } from 'node:http';
import { MARKER } from './provider.mjs';
import { listen, options, ready } from './wrapper.mjs';

const config = options({
  port: 0,
  access_token_ttl: 3600,
  user: { email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace' },
  // The user is a member of each.
  organizations: ['Analytical Engines', 'Difference Works'],
  // Without a user nobody can approve: a device flow stays pending until it expires.
  pending: false,
});

const DEVICE_START = '/user_management/authorize/device';
const API_KEY = 'sk_test_default';

const { server, port } = await listen(config.port);
const url = `http://127.0.0.1:${port}`;

await shortenAccessTokens(config.access_token_ttl);
await markTokens();
const emulator = await unboundEmulator();
server.on('request', (request, response) => {
  const { method, url: path, headers } = request;
  if (method === 'POST' && path === DEVICE_START && headers.authorization === undefined) {
    startDeviceFlow(request, response);
  } else {
    emulator.emit('request', request, response);
  }
});

const organizations = config.pending ? [] : await joinOrganizations();
ready({ url, client_id: 'client_astropass', user: config.pending ? null : config.user, organizations });

/** The emulator's HTTP server, caught when it wants to listen. */
async function unboundEmulator() {
  const { createEmulator } = await import('workos/emulate');
  const listen = Server.prototype.listen;
  let caught;
  Server.prototype.listen = function () {
    caught = this;
    return this;
  };
  try {
    // The port is told for the `iss` of its access tokens.
    await createEmulator({
      port,
      seed: {
        users: config.pending ? [] : [{ ...config.user, email_verified: true }],
        organizations: config.organizations.map((name) => ({ name })),
      },
    });
  } finally {
    Server.prototype.listen = listen;
  }
  return caught;
}

async function shortenAccessTokens(expiresIn) {
  const signer = new URL('./node_modules/workos/dist/emulate/core/jwt.js', import.meta.url);
  const { JWTManager } = await import(signer);
  const sign = JWTManager.prototype.sign;
  JWTManager.prototype.sign = function (claims, given) {
    // One of the three is at an offset where base64 leaves it whole.
    const jti = 'canary.canary.canary';
    return sign.call(this, { jti, ...claims }, { expiresIn, ...given });
  };
}

async function markTokens() {
  const store = new URL('./node_modules/workos/dist/emulate/core/store.js', import.meta.url);
  const { Collection } = await import(store);
  const insert = Collection.prototype.insert;
  Collection.prototype.insert = function (item) {
    const marked = { ...item };
    for (const name of ['token', 'device_code']) {
      if (typeof item[name] === 'string') marked[name] = `${item[name]}_${MARKER}`;
    }
    return insert.call(this, marked);
  };
}

/** Sends the request again, to ourselves, with the key. */
async function startDeviceFlow(request, response) {
  const sent = [];
  for await (const chunk of request) sent.push(chunk);
  const answer = await call(DEVICE_START, {
    method: 'POST',
    headers: { 'content-type': request.headers['content-type'] ?? '' },
    body: Buffer.concat(sent),
  });
  const body = (await answer.text()).replace('http://localhost:0/', `${url}/`);
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
  response.end(body);
}

async function joinOrganizations() {
  const [user] = await list('/user_management/users');
  const organizations = await list('/organizations');
  for (const organization of organizations) {
    const joined = await call('/user_management/organization_memberships', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: user.id, organization_id: organization.id }),
    });
    if (!joined.ok) throw new Error(`the emulator answered ${joined.status} to a membership`);
  }
  return organizations.map(({ id, name }) => ({ id, name }));
}

async function list(path) {
  return (await (await call(path, {})).json()).data;
}

function call(path, { headers, ...init }) {
  return fetch(`${url}${path}`, {
    ...init,
    headers: { ...headers, authorization: `Bearer ${API_KEY}` },
  });
}
