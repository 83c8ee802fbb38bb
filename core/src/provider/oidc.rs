//! OpenID Connect and plain OAuth.

use crate::wire::Value;
use crate::{Credentials, Endpoint, Error, Provider, Request, User};

/// The standard claims (OpenID Connect Core §5.1) of an ID token or of userinfo.
pub(super) fn user(claims: &Value) -> Option<User> {
    let text = |name| claims.string(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(User {
        id: text("sub")?,
        email: text("email"),
        name: text("name").or_else(|| text("preferred_username")).or_else(|| text("nickname")),
    })
}

/// RFC 7009 §2.1; the refresh token, since with it goes the whole grant.
pub(super) fn revocation(
    provider: &Provider,
    endpoint: &Endpoint,
    credentials: &Credentials,
) -> Result<Box<Request>, Error> {
    let (token, hint) = match &credentials.refresh_token {
        Some(refresh_token) => (refresh_token, "refresh_token"),
        None => (&credentials.access_token, "access_token"),
    };
    provider.post(
        Some(endpoint),
        "revocation",
        &[
            ("token", token.expose_secret()),
            ("token_type_hint", hint),
            ("client_id", &provider.client_id),
        ],
    )
}
