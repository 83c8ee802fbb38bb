// The cloud's API, as far as a login needs it. Public sources: astronomer/astro-cli,
// astro-client-v1/api.gen.go (generated from the API's description), pkg/astroauth/config.go, and
// cloud/auth/auth.go, of v1.12 for the paths below /hub.
//
// Without a token:
//   GET  /private/v1alpha1/cli/auth-config -> {"clientId", "audience", "domainUrl"}
//   GET  /hub/auth-config -> the same and "authFlow" (404 if `auth_flow` is null)
//   POST /hub/organization-lookup {"email"} -> {"OrganizationIds": ["org_…"]}, the login server's
//        own ids; an unknown email has none
// With `Authorization: Bearer`, an access token of the login server or one of `api_tokens`:
//   GET /v1/users/self[?createIfNotExist=true] -> SelfUser; nobody exists before the first request
//       with the parameter: 404 until then
//   GET /v1/organizations[?limit&offset] -> {"limit", "offset", "totalCount", "organizations": [Organization]}
//   GET /v1/organizations/ID -> Organization; 404 if there is none, 403 if it is not the user's
//   GET /v1/organizations/ID/workspaces[?limit&offset] -> {…, "workspaces": [Workspace]}
// A page is 20 long if nothing is said, and 1000 at most.
//
// Errors are {"message", "requestId", "statusCode"}: 401 without a valid token, 404 for what is not
// above, 405 for another method, 400 for a parameter or a body that it does not know.

import { randomUUID } from 'node:crypto';
import { bodyOf } from '../control.mjs';

const PAGE = 20;
const LARGEST_PAGE = 1000;
const AT = { createdAt: '2024-01-02T03:04:05Z', updatedAt: '2025-06-07T08:09:10Z' };
const SUBJECT = { id: 'cluser00000000000000000001', subjectType: 'USER' };

export function startApi(server, loginUrl, login, config, control) {
  const existing = new Set();

  const routes = [
    ['GET', /^\/private\/v1alpha1\/cli\/auth-config$/, [], authConfig],
    ['GET', /^\/hub\/auth-config$/, [], hubAuthConfig],
    ['POST', /^\/hub\/organization-lookup$/, [], lookUp],
    ['GET', /^\/v1\/users\/self$/, ['createIfNotExist'], self],
    ['GET', /^\/v1\/organizations$/, ['limit', 'offset'], listOrganizations],
    ['GET', /^\/v1\/organizations\/([^/]+)$/, ['isLookUpOnly'], organization],
    ['GET', /^\/v1\/organizations\/([^/]+)\/workspaces$/, ['limit', 'offset'], listWorkspaces],
  ];

  control.watch('api', server, (request, response) => {
    answer(request).then(
      (body) => respond(response, 200, body),
      (error) => respond(response, error.status ?? 500, {
        message: error.message,
        requestId: randomUUID(),
        statusCode: error.status ?? 500,
      }),
    );
  });

  async function answer(request) {
    const { pathname, searchParams } = new URL(request.url, 'http://unused');
    const here = routes.filter(([, path]) => path.test(pathname));
    if (here.length === 0) throw new Refused(404, 'path not found');
    const [method, path, parameters, handle] = here[0];
    if (request.method !== method) throw new Refused(405, 'method not allowed');
    const query = Object.fromEntries(searchParams);
    const unknown = Object.keys(query).find((name) => !parameters.includes(name));
    if (unknown !== undefined) throw new Refused(400, `unknown query parameter: ${unknown}`);
    if (!pathname.startsWith('/v1/')) return handle(request);
    return handle(await authenticated(request), query, ...path.exec(pathname).slice(1));
  }

  async function authenticated(request) {
    const [, token] = /^Bearer ([^ ]+)$/.exec(request.headers.authorization ?? '') ?? [];
    const user = config.users[config.api_tokens[token]] ?? await login.userOfToken(token);
    if (user === undefined) throw new Refused(401, 'invalid or expired token');
    return user;
  }

  function authConfig() {
    return { clientId: config.client_id, audience: config.audience, domainUrl: loginUrl };
  }

  function hubAuthConfig() {
    if (config.auth_flow === null) throw new Refused(404, 'path not found');
    return { ...authConfig(), authFlow: config.auth_flow };
  }

  async function lookUp(request) {
    const { email } = await json(request);
    if (typeof email !== 'string') throw new Refused(400, 'email is required');
    const user = Object.values(config.users).find((user) => user.email === email.toLowerCase());
    return { OrganizationIds: organizationsOf(user).map(({ auth_id: id }) => id) };
  }

  function self(user, { createIfNotExist }) {
    if (createIfNotExist === 'true') existing.add(user.email);
    if (!existing.has(user.email)) throw new Refused(404, 'user not found');
    return {
      id: `cluser${user.email.replaceAll(/\W/g, '').padEnd(19, '0')}`,
      username: user.email,
      fullName: user.name,
      status: 'ACTIVE',
      avatarUrl: 'https://avatars.example/1.png',
      organizationId: organizationsOf(user)[0]?.id,
      ...AT,
    };
  }

  function listOrganizations(user, query) {
    return page('organizations', organizationsOf(user).map(described), query);
  }

  function organization(user, _query, id) {
    return described(memberOf(user, id));
  }

  function listWorkspaces(user, query, id) {
    const { name: organizationName, workspaces } = memberOf(user, id);
    return page('workspaces', workspaces.map((name, n) => ({
      id: `clws${id.slice(5, 20)}${String(n + 1).padStart(6, '0')}`,
      name,
      organizationId: id,
      organizationName,
      cicdEnforcedDefault: false,
      createdBy: SUBJECT,
      updatedBy: SUBJECT,
      ...AT,
    })), query);
  }

  function memberOf(user, id) {
    const found = Object.values(config.organizations).find((one) => one.id === id);
    if (found === undefined) throw new Refused(404, 'organization not found');
    if (!organizationsOf(user).includes(found)) throw new Refused(403, 'permission denied');
    return found;
  }

  function organizationsOf(user) {
    return (user?.organizations ?? []).map((name) => config.organizations[name]);
  }
}

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function described({ id, name, product = 'HOSTED' }) {
  return {
    id,
    name,
    product,
    status: 'ACTIVE',
    isScimEnabled: false,
    allowEnhancedSupportAccess: false,
    hasAllowedIpAddressRanges: false,
    shouldEnforceDedicatedClusters: false,
    productPlans: [],
    createdBy: SUBJECT,
    updatedBy: SUBJECT,
    ...AT,
  };
}

function page(name, all, query) {
  const [limit, offset] = [query.limit ?? PAGE, query.offset ?? 0].map(Number);
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_PAGE) {
    throw new Refused(400, 'limit is invalid');
  }
  if (!Number.isInteger(offset) || offset < 0) throw new Refused(400, 'offset is invalid');
  return { limit, offset, totalCount: all.length, [name]: all.slice(offset, offset + limit) };
}

async function json(request) {
  const [type] = (request.headers['content-type'] ?? '').split(';');
  if (type !== 'application/json') throw new Refused(400, 'the body must be JSON');
  try {
    return JSON.parse(await bodyOf(request)) ?? {};
  } catch {
    throw new Refused(400, 'the body must be JSON');
  }
}

function respond(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
