// Houston, Software's API: the part of its GraphQL schema that a login needs, executed by npm
// `graphql`, which validates every document.
//
//   POST /v1 {"query", "variables", "operationName"}, JSON
//   authorization: TOKEN, raw; `Bearer TOKEN` is refused here
//
// As behind Apollo Server, an error of execution is HTTP 200 with `errors[0].message` and
// `extensions.code`; a document that does not parse or is not valid, and variables that do not fit,
// are HTTP 400. The words are those of the original:
//
//   no such user            The requested resource was not found                  RESOURCE_NOT_FOUND
//   wrong password, banned  Invalid password and username combination             INTERNAL_SERVER_ERROR
//   no password (OAuth)     No password credentials found                         UNAUTHENTICATED
//   pending                 Your account is awaiting email confirmation           ACCOUNT_NOT_CONFIRMED
//   no or unknown token     You do not have the appropriate permissions for that  FORBIDDEN
//   expired token           AUTH_TOKEN_REFRESH_FAILED                             UNAUTHENTICATED
//
// Sources: astronomer/astro-cli houston/auth.go, houston/houston.go, houston/workspace.go; for the
// schema and the words the published copies of houston-api (src/schema.graphql,
// src/lib/errors/errors.js, src/resolvers/mutation/create-token). The original has more: `self`, for
// one. What is done about a login with a password where that is off is not public: here it is
// "Invalid authentication provider".

import { GraphQLError, buildSchema, execute, parse, validate } from 'graphql';
import { bodyOf } from '../control.mjs';
import { rsaKey } from '../provider.mjs';
import { jwt } from './login.mjs';

const schema = buildSchema(`
  scalar DateTime

  type AuthProvider {
    name: String!
    displayName: String
    url: String!
  }

  type AuthConfig {
    localEnabled: Boolean
    publicSignup: Boolean
    initialSignup: Boolean
    providers: [AuthProvider!]
  }

  type User {
    id: ID!
    fullName: String
    username: String
    status: String
    createdAt: DateTime!
    updatedAt: DateTime!
  }

  type Token {
    value: String
  }

  type AuthUser {
    user: User
    token: Token
  }

  type Workspace {
    id: ID!
    label: String
  }

  type Query {
    authConfig(redirect: String): AuthConfig
    workspaces: [Workspace]
  }

  type Mutation {
    createToken(identity: String, password: String!): AuthUser
  }
`);

const AT = { createdAt: '2024-01-02T03:04:05.000Z', updatedAt: '2025-06-07T08:09:10.000Z' };

/** The answer gives tokens: what the app and the control port need as well. */
export function startHouston(server, appUrl, config, control) {
  const privateKey = rsaKey();
  const given = new Map();

  function tokenFor(user, expiresIn = config.houston_token_ttl) {
    const iat = Math.floor(Date.now() / 1000);
    const exp = iat + expiresIn;
    const claims = { id: user.id, iat, exp, jti: crypto.randomUUID() };
    const value = jwt(privateKey, claims);
    given.set(value, { user, exp });
    control.issued.push(value);
    return value;
  }

  function authenticated({ authorization }) {
    const found = given.get(authorization);
    if (found === undefined) {
      throw refused('You do not have the appropriate permissions for that', 'FORBIDDEN');
    }
    if (found.exp <= Date.now() / 1000) throw refused('AUTH_TOKEN_REFRESH_FAILED', 'UNAUTHENTICATED');
    return found.user;
  }

  const root = {
    authConfig: ({ redirect = '' }) => ({
      localEnabled: config.local_enabled,
      publicSignup: config.public_signup,
      initialSignup: config.initial_signup,
      providers: config.providers.map((name) => ({
        name,
        displayName: name[0].toUpperCase() + name.slice(1),
        url: `${appUrl}/login/${name}?redirect=${encodeURIComponent(redirect)}`,
      })),
    }),
    workspaces: (_arguments, headers) => authenticated(headers).workspaces,
    createToken: ({ identity, password }) => {
      const user = signedIn(config, identity, password);
      return { user: { ...user, ...AT }, token: { value: tokenFor(user) } };
    },
  };

  control.watch('houston', server, async (request, response) => {
    const [status, body] = await answer(request, root);
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  });
  control.routes['POST /houston-tokens'] = ({ user, expires_in: expiresIn }) =>
    ({ token: tokenFor(config.houston_users[user], expiresIn) });
  return tokenFor;
}

async function answer(request, root) {
  const { pathname } = new URL(request.url, 'http://unused');
  if (pathname !== '/v1' && pathname !== '/v1/') return failed(404, 'Not Found', 'NOT_FOUND');
  if (request.method !== 'POST') return failed(405, 'POST only', 'METHOD_NOT_ALLOWED');
  const sent = readJson(request.headers['content-type'], await bodyOf(request));
  if (typeof sent?.query !== 'string') return failed(400, 'Must provide query string.', 'BAD_REQUEST');

  let document;
  try {
    document = parse(sent.query);
  } catch (error) {
    return failed(400, error.message, 'GRAPHQL_PARSE_FAILED');
  }
  const [invalid] = validate(schema, document);
  if (invalid !== undefined) return failed(400, invalid.message, 'GRAPHQL_VALIDATION_FAILED');
  const { data, errors } = await execute({
    schema,
    document,
    rootValue: root,
    contextValue: request.headers,
    variableValues: sent.variables,
    operationName: sent.operationName,
  });
  // Without any data, nothing was executed.
  const status = data === undefined ? 400 : 200;
  return [status, { ...(errors === undefined ? {} : { errors: errors.map(coded) }), data }];
}

function readJson(type = '', text) {
  try {
    return type.split(';')[0] === 'application/json' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function signedIn(config, identity, password) {
  if (!config.local_enabled) throw refused('Invalid authentication provider');
  const user = Object.values(config.houston_users).find(({ username }) => username === identity);
  if (user === undefined) {
    throw refused('The requested resource was not found', 'RESOURCE_NOT_FOUND');
  }
  if (user.password === null) throw refused('No password credentials found', 'UNAUTHENTICATED');
  if (user.password !== password) throw refused('Invalid password and username combination');
  if (user.status === 'pending') {
    throw refused('Your account is awaiting email confirmation', 'ACCOUNT_NOT_CONFIRMED');
  }
  if (user.status !== 'active') throw refused('Invalid password and username combination');
  return user;
}

function refused(message, code = 'INTERNAL_SERVER_ERROR') {
  return new GraphQLError(message, { extensions: { code } });
}

function coded(error) {
  return { ...error.toJSON(), extensions: { code: 'BAD_USER_INPUT', ...error.extensions } };
}

function failed(status, message, code) {
  return [status, { errors: [{ message, extensions: { code } }] }];
}
