use crate::base64url;
use crate::wire::{ParseJson, Value};
use crate::{Response, Timestamp};

/// The claims of a JWT in compact form (RFC 7519 §3), or `None` for any other token.
///
/// The signature is not looked at: tokens come straight from the token endpoint over TLS, which
/// OpenID Connect Core §3.1.3.7 (6) lets stand in for it, and an access token is read only for
/// its lifetime, subject and session id, which a forger could only turn against himself.
pub(crate) fn claims(token: &str, parse: ParseJson) -> Option<Value> {
    let mut parts = token.as_bytes().split(|byte| *byte == b'.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    match parse(&base64url::decode(payload)?).ok()? {
        claims @ Value::Map(_) => Some(claims),
        _ => None,
    }
}

/// The lifetime in seconds that a JWT names by itself: `exp - iat`.
pub(crate) fn lifetime(claims: &Value) -> Option<u64> {
    claims.seconds("exp")?.checked_sub(claims.seconds("iat")?)
}

/// Seconds that a JWT has left by the clock of the server that sent `response`: `exp` minus its
/// `Date`. Zero once it has expired; `None` if either is not known.
pub(crate) fn time_left(claims: &Value, response: &Response) -> Option<u64> {
    let now = response.date.map(Timestamp::as_unix)?;
    Some(claims.seconds("exp")?.saturating_sub(u64::try_from(now).ok()?))
}
