// The cloud's login server: npm `oidc-provider` (provider.mjs) laid out as an Auth0 tenant, whose
// paths and peculiarities clients of the cloud rely on:
//
//   GET  /authorize      audience, organization and login_hint besides OAuth's own parameters
//   POST /oauth/token    invalid_grant is 403 (`invalid_grant_status`)
//   POST /oauth/revoke   GET /userinfo   GET /.well-known/{openid-configuration,jwks.json}
//
// - the issuer ends in a slash
// - the only redirect URI is http://localhost:12345/callback, with this very port (`any_port`)
// - the scope offline_access gives a refresh token without prompt=consent
// - access tokens are JWTs for the API that the userinfo endpoint takes as well; refresh tokens
//   begin with "v1."
// - an unknown audience or organization is refused; no `iss` in callbacks (`callback_iss`)
//
// Access and refresh tokens contain the marker that the tests look for (tests/src/server/token.rs).
// Sources: astronomer/astro-cli cloud/auth/auth.go and pkg/astroauth; Auth0's documentation.

import { sign } from 'node:crypto';
import { bodyOf } from '../control.mjs';
import { createProvider, publicClient } from '../provider.mjs';

const SCOPES = 'openid profile email offline_access';
const REDIRECT_URI = 'http://localhost:12345/callback';

// One of the three is at an offset where base64 leaves it whole: see tests/src/server/token.rs.
export const KEY_ID = 'canary.canary.canary-astro';

export async function startLogin(server, url, config, control) {
  /** By what somebody typed: the user's name here, or the email. */
  function subjectOf(typed) {
    const [known] = Object.entries(config.users).find(([name, { email }]) =>
      name === typed || email === typed) ?? [typed];
    return `auth0|${known}`;
  }

  function userOf(sub) {
    const name = sub.replace('auth0|', '');
    const stranger = { email: name.includes('@') ? name : `${name}@example.com`, name };
    return config.users[name] ?? stranger;
  }

  function account(_ctx, sub) {
    const { email, name } = userOf(sub);
    return {
      accountId: sub,
      claims: (use) => ({
        sub,
        name,
        ...(use === 'userinfo' && !config.userinfo_email ? {} : { email, email_verified: true }),
      }),
    };
  }

  const { provider, privateKey, errors } = await createProvider(url, config, KEY_ID, {
    clients: [
      publicClient(config.client_id, 'Astro CLI', ['authorization_code', 'refresh_token'], {
        // To a native client every port is right.
        application_type: config.any_port ? 'native' : 'web',
        redirect_uris: [REDIRECT_URI],
      }),
    ],
    clockTolerance: 0,
    findAccount: account,
    extraParams: {
      audience(_ctx, value) {
        if (value !== undefined && value !== config.audience) {
          throw new errors.InvalidRequest(`Service not found: ${value}`);
        }
      },
      organization(_ctx, value) {
        const all = Object.values(config.organizations);
        if (value !== undefined && !all.some(({ auth_id: id }) => id === value)) {
          throw new errors.InvalidRequest('parameter organization is invalid');
        }
      },
    },
    routes: {
      authorization: '/authorize',
      token: '/oauth/token',
      revocation: '/oauth/revoke',
      userinfo: '/userinfo',
      jwks: '/.well-known/jwks.json',
      end_session: '/oidc/logout',
    },
  });

  const { AccessToken, RefreshToken, Grant, Client } = provider;
  const identify = AccessToken.prototype.generateTokenId;
  AccessToken.prototype.generateTokenId = function () {
    // It also settles the format that the token is stored in.
    const jti = identify.call(this);
    const now = Math.floor(Date.now() / 1000);
    return jwt(privateKey, {
      iss: url,
      sub: this.accountId,
      aud: [config.audience, `${url}userinfo`],
      iat: now,
      exp: now + this.expiration,
      scope: this.scope,
      azp: this.clientId,
      jti,
    });
  };
  const opaque = RefreshToken.prototype.generateTokenId;
  RefreshToken.prototype.generateTokenId = function () {
    return `v1.${opaque.call(this)}`;
  };
  for (const event of ['access_token.saved', 'refresh_token.saved']) {
    provider.on(event, (token) => control.issued.push(token.jti));
  }

  control.routes['POST /tokens'] = async ({ user, expires_in: expiresIn, scope = SCOPES }) => {
    const client = await Client.find(config.client_id);
    const accountId = subjectOf(user);
    const grant = new Grant({ accountId, clientId: client.clientId });
    grant.addOIDCScope(scope);
    const grantId = await grant.save();
    const token = { accountId, client, grantId, scope, gty: 'authorization_code' };
    return { access_token: await new AccessToken({ ...token, expiresIn }).save() };
  };

  provider.use(async (ctx, next) => {
    if (ctx.path === '/authorize') ctx.query = withConsent(ctx.query);
    if (ctx.method === 'POST' && ctx.path.startsWith('/interaction/')) {
      const fields = Object.fromEntries(new URLSearchParams(await bodyOf(ctx.req)));
      ctx.req.body = { ...fields, login: subjectOf(fields.login) };
    }
    await next();
    if (ctx.body?.id_token !== undefined) control.issued.push(ctx.body.id_token);
    if (!config.callback_iss) {
      if (ctx.oidc?.route === 'discovery') delete ctx.body.authorization_response_iss_parameter_supported;
      if (ctx.response.get('location')) ctx.set('location', withoutIss(ctx.response.get('location')));
    }
    if (ctx.oidc?.route === 'token' && ctx.body.error === 'invalid_grant') {
      ctx.status = config.invalid_grant_status;
    }
  });
  control.watch('login', server, provider.callback());

  return {
    /** The user whose access token this is; undefined if it is none, or over. */
    async userOfToken(token) {
      const { accountId } = (await AccessToken.find(token)) ?? {};
      return accountId === undefined ? undefined : userOf(accountId);
    },
  };
}

/** A token for the eyes of its audience (RFC 9068), with the marker in its header. */
export function jwt(privateKey, claims) {
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encoded({ kid: KEY_ID, alg: 'RS256', typ: 'at+jwt' })}.${encoded(claims)}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
}

/** The provider ignores offline_access unless the prompt is `consent` (OpenID Connect Core 11). */
function withConsent(query) {
  if (!query.scope?.split(' ').includes('offline_access')) return query;
  const prompts = (query.prompt?.split(' ') ?? []).filter((prompt) => prompt !== 'consent');
  return { ...query, prompt: [...prompts, 'consent'].join(' ') };
}

function withoutIss(location) {
  if (!URL.canParse(location)) return location;
  const url = new URL(location);
  url.searchParams.delete('iss');
  return url.href;
}
