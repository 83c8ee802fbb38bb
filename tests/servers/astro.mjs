// The two systems that `astro` signs in to, in one process: the cloud (its login server, its API)
// and Software (Houston, and the app with the page that gives a token).
//
//   node astro.mjs '{"access_token_ttl": 5}'
//   -> {"login": "http://localhost:PORT/", "api": "http://localhost:PORT",
//       "houston": "http://127.0.0.1:PORT", "app": "http://127.0.0.1:PORT",
//       "ports": {"login", "api", "houston", "app"}, "client_id", "audience", "control"}
//
// `login` ends in a slash, as `domainUrl` does. With "domain": "astronomer.io" the first two call
// themselves https://auth.astronomer.io/ and https://api.astronomer.io, and with "basedomain":
// "software.example" the others https://houston.software.example and https://app.software.example:
// a proxy of the tests leads such names to the ports. `tls` is then needed: {"cert": FILE, "key":
// FILE}. Without a domain, `tls` turns http into https.
//
// Each part says in its own file what it answers, and what is public of the original:
// astro/login.mjs, astro/api.mjs, astro/houston.mjs, astro/app.mjs. The fixtures are in
// astro/fixtures.mjs. control.mjs: what a test sees of it and changes while it runs; besides that,
//
//   POST /tokens         {"user": "ada", "expires_in": 3600, "scope"} -> {"access_token"} of the cloud
//   POST /houston-tokens {"user": "ada", "expires_in": 3600} -> {"token"}
//
// A negative `expires_in` makes a token that has expired.

import { startApi } from './astro/api.mjs';
import { startApp } from './astro/app.mjs';
import { houstonUsers, organizations, users } from './astro/fixtures.mjs';
import { startHouston } from './astro/houston.mjs';
import { startLogin } from './astro/login.mjs';
import { Control } from './control.mjs';
import { PROVIDER_OPTIONS } from './provider.mjs';
import { listen, options, ready } from './wrapper.mjs';

const config = options({
  ...PROVIDER_OPTIONS,
  // All are free ones.
  ports: { login: 0, api: 0, houston: 0, app: 0 },
  tls: null,
  domain: null,
  basedomain: null,
  faults: [],

  // The cloud.
  users,
  organizations,
  client_id: 'astro-cli-client',
  audience: 'astronomer-ee',
  // Of the older API: /hub/auth-config is there and says this; null: 404, as today's.
  auth_flow: 'ORG_FIRST',
  // Whether the userinfo response has an email.
  userinfo_email: true,
  // Whether a callback has `iss` (RFC 9207), and the metadata say so. Auth0 has none.
  callback_iss: false,
  // Whether the redirect URI may have another port, for tests that run beside others.
  any_port: false,
  // Auth0 answers 403 where others answer 400.
  invalid_grant_status: 403,
  // Organization API tokens -> name of the user that they act for. No login server knows them.
  api_tokens: { 'astro-api-token-Y2FuYXJ5': 'ada' },

  // Software.
  houston_users: houstonUsers,
  local_enabled: true,
  public_signup: false,
  initial_signup: false,
  // Names of identity providers; none: OAuth is disabled.
  providers: ['google'],
  houston_token_ttl: 24 * 3600,
});

const names = ['login', 'api', 'houston', 'app'];
const sockets = await Promise.all(names.map((name) => listen(config.ports[name] ?? 0, config.tls)));
const control = new Control(config);
const scheme = config.tls === null ? 'http' : 'https';
const urls = Object.fromEntries(names.map((name, n) => [name, address(name, sockets[n].port)]));
const [login, api, houston, app] = sockets.map(({ server }) => server);

const cloud = await startLogin(login, urls.login, config, control);
startApi(api, urls.login, cloud, config, control);
const tokens = startHouston(houston, urls.app, config, control);
startApp(app, tokens, config, control);
ready({
  ...urls,
  ports: Object.fromEntries(names.map((name, n) => [name, sockets[n].port])),
  client_id: config.client_id,
  audience: config.audience,
  control: await control.listen(),
});

function address(name, port) {
  const cloud = name === 'login' || name === 'api';
  const domain = cloud ? config.domain : config.basedomain;
  const slash = name === 'login' ? '/' : '';
  if (domain !== null) return `https://${name === 'login' ? 'auth' : name}.${domain}${slash}`;
  return `${scheme}://${cloud ? 'localhost' : '127.0.0.1'}:${port}${slash}`;
}
