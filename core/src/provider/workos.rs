//! WorkOS user management: what its responses and its sign-out have of their own.

use crate::endpoint::without_slashes;
use crate::wire::{ParseJson, Value, concat};
use crate::{
    Credentials, Dialect, Encoding, Endpoint, Endpoints, Error, InvalidUrl, Provider, Request,
    User, jwt,
};

/// By the names of [`Endpoints::NAMES`], and their paths.
const ENDPOINTS: [(&str, &str); 4] = [
    ("authorization", "user_management/authorize?provider=authkit"),
    ("device_authorization", "user_management/authorize/device"),
    ("token", "user_management/authenticate"),
    ("revocation", "user_management/sessions/logout"),
];

impl Provider {
    /// WorkOS user management at `base`, such as `https://api.workos.com`, for a public client.
    ///
    /// # Errors
    /// Never for a `base` without a query, in practice; the paths are appended to it.
    pub fn workos(
        base: &Endpoint,
        client_id: &str,
        encoding: Encoding,
    ) -> Result<Self, InvalidUrl> {
        let mut endpoints = Endpoints::default();
        for (name, path) in ENDPOINTS {
            if let Some(endpoint) = endpoints.by_name(name) {
                *endpoint = Some(base.join(path)?);
            }
        }
        Ok(Self {
            issuer: without_slashes(base.as_str()).to_owned(),
            client_id: client_id.to_owned(),
            scopes: Vec::new(),
            endpoints,
            dialect: Dialect::WorkOs(encoding),
        })
    }
}

/// The `user` object of a token response.
pub(super) fn user(user: &Value) -> Option<User> {
    let text = |name| user.string(name).unwrap_or_default();
    let name = concat(&[text("first_name"), " ", text("last_name")]).trim_ascii().to_owned();
    Some(User {
        id: user.string("id").filter(|id| !id.is_empty())?.to_owned(),
        email: user.string("email").map(str::to_owned),
        name: (!name.is_empty()).then_some(name),
    })
}

/// `organization_id` of the response, or `org_id` of the access token.
pub(super) fn organization(body: &Value, access_claims: Option<&Value>) -> Option<String> {
    body.string("organization_id").or_else(|| access_claims?.string("org_id")).map(str::to_owned)
}

/// `GET …/sessions/logout?session_id=<sid>`; the `sid` is no secret, it only ends the session.
pub(super) fn sign_out(
    endpoint: &Endpoint,
    credentials: &Credentials,
    parse: ParseJson,
) -> Result<Option<Box<Request>>, Error> {
    let Some(sid) = session_id(credentials, parse) else { return Ok(None) };
    Ok(Some(Request::fetch(endpoint.with_fields(&[("session_id", &sid)])?)))
}

/// The access token's `sid`.
pub(super) fn session_id(credentials: &Credentials, parse: ParseJson) -> Option<String> {
    let claims = jwt::claims(credentials.access_token.expose_secret(), parse)?;
    claims.string("sid").map(str::to_owned)
}
