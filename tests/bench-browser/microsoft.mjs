// Answers at Microsoft's address, inside of the browser: nothing leaves the machine. So
// msal-browser signs in, and writes its own cache. Signatures are not what a public client checks.

const HOST = "https://login.microsoftonline.com";
const CORS = { "access-control-allow-origin": "*" };

export async function answerAsMicrosoft(context) {
  let nonce;
  await context.route(`${HOST}/**`, async (route) => {
    const { pathname, searchParams } = new URL(route.request().url());
    if (pathname.endsWith("/oauth2/v2.0/authorize")) {
      nonce = searchParams.get("nonce");
      const answer = new URLSearchParams({
        code: "code",
        state: searchParams.get("state"),
        client_info: clientInfo,
      });
      const location = `${searchParams.get("redirect_uri")}#${answer}`;
      await route.fulfill({ status: 302, headers: { location } });
    } else if (pathname.endsWith("/oauth2/v2.0/token")) {
      const form = new URLSearchParams(route.request().postData());
      const tenant = pathname.split("/")[1];
      await route.fulfill({ json: tokens(form, tenant, nonce), headers: CORS });
    } else {
      await route.abort();
    }
  });
}

const USER = "00000000-0000-4000-8000-000000000003";
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const clientInfo = base64url({ uid: USER, utid: "00000000-0000-4000-8000-000000000002" });

function tokens(form, tenant, nonce) {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: `${HOST}/${tenant}/v2.0`,
    aud: form.get("client_id"),
    sub: "ada",
    oid: USER,
    tid: tenant,
    preferred_username: "ada@example.com",
    iat,
    exp: iat + 3600,
    nonce,
  };
  const jwt = (payload) => `${base64url({ alg: "RS256", typ: "JWT" })}.${base64url(payload)}.c2ln`;
  return {
    token_type: "Bearer",
    scope: "openid profile offline_access api://bench/read",
    expires_in: 3600,
    access_token: jwt({ ...claims, aud: "api://bench", padding: "x".repeat(600) }),
    refresh_token: "x".repeat(800),
    id_token: jwt(claims),
    client_info: clientInfo,
  };
}
