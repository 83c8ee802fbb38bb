use crate::jwt;
use crate::wire::{ParseJson, Value};
use crate::{Error, Grant, Provider, Response, Secret};

/// How far apart the server that signs and the server that answers may be, in seconds.
const LEEWAY: i64 = 300;

/// Reads the token response of a login (RFC 6749 §5.1), checking an ID token if there is one.
pub(super) fn grant(
    provider: &Provider,
    response: &Response,
    parse: ParseJson,
) -> Result<Box<Grant>, Error> {
    let (grant, checked) = read(provider, response, parse)?;
    checked.map(|()| grant)
}

/// Reads the token response of a refresh (RFC 6749 §6).
///
/// An ID token that cannot be used is ignored: to refuse the response would be to lose a refresh
/// token that the server has already rotated.
pub(super) fn renewal(
    provider: &Provider,
    response: &Response,
    parse: ParseJson,
) -> Result<Box<Grant>, Error> {
    let (mut grant, checked) = read(provider, response, parse)?;
    if checked.is_err() {
        (grant.subject, grant.user) = (None, None);
    }
    Ok(grant)
}

/// The grant, and what is wrong with the ID token that came with it.
fn read(
    provider: &Provider,
    response: &Response,
    parse: ParseJson,
) -> Result<(Box<Grant>, Result<(), Error>), Error> {
    let malformed = |problem| Error::malformed("token response", problem, response.status);
    let mut body = parse(&response.body).map_err(|_| malformed("it is not JSON"))?;
    // WorkOS sends none, and the RFC's other types need a proof that this client has not.
    let is_bearer = |kind: &Value| kind.as_str().is_some_and(|k| k.eq_ignore_ascii_case("bearer"));
    if !body.field("token_type").is_none_or(is_bearer) {
        return Err(malformed("its token_type is not Bearer"));
    }
    let access_token =
        body.take_string("access_token").ok_or_else(|| malformed("it has no access_token"))?;
    let access_claims = jwt::claims(&access_token, parse);
    let access_token = Secret::token(access_token)
        .ok_or_else(|| malformed("its access_token has characters that a token cannot have"))?;
    // Some servers write an empty one for none: of a refresh, whose old one stays (§6).
    let refresh_token = body.take_string("refresh_token").filter(|token| !token.is_empty());
    let refresh_token = match refresh_token {
        Some(token) => Some(Secret::token(token).ok_or_else(|| {
            malformed("its refresh_token has characters that a token cannot have")
        })?),
        None => None,
    };
    let (mut id_claims, mut checked) = (None, Ok(()));
    if let Some(token) = body.take_string("id_token") {
        id_claims = jwt::claims(&token, parse);
        checked = check_id_token(id_claims.as_ref(), provider, response);
    }
    let user = provider.user_in(&body, id_claims.as_ref());
    let grant = Grant {
        lifetime: body
            .seconds("expires_in")
            .or_else(|| access_claims.as_ref().and_then(jwt::lifetime))
            // Some servers write zero for no expiry; believed, it would be a refresh at each use.
            .filter(|lifetime| *lifetime > 0),
        subject: user.as_ref().map(|user| user.id.clone()),
        organization: provider.organization_in(&body, access_claims.as_ref()),
        user,
        access_token,
        refresh_token,
    };
    Ok((Box::new(grant), checked))
}

/// OpenID Connect Core §3.1.3.7 without the signature; see [`jwt::claims`].
fn check_id_token(
    claims: Option<&Value>,
    provider: &Provider,
    response: &Response,
) -> Result<(), Error> {
    let claims = claims.ok_or(Error::InvalidIdToken("it is not a JWT with JSON claims"))?;
    if claims.string("iss") != Some(&provider.issuer) {
        return Err(Error::InvalidIdToken("its issuer is another one"));
    }
    let audience = claims.field("aud").ok_or(Error::InvalidIdToken("it has no audience"))?;
    let is_client = |value: &Value| value.as_str() == Some(&provider.client_id);
    if !is_client(audience) && !audience.as_list().is_some_and(|list| list.iter().any(is_client)) {
        return Err(Error::InvalidIdToken("it is for another client"));
    }
    if claims.string("azp").is_some_and(|azp| azp != provider.client_id) {
        return Err(Error::InvalidIdToken("it was issued to another client"));
    }
    if claims.string("sub").is_none_or(str::is_empty) {
        return Err(Error::InvalidIdToken("it has no subject"));
    }
    let exp = claims.seconds("exp").ok_or(Error::InvalidIdToken("it has no expiry"))?;
    // Against the server's clock: the local one may be wrong.
    match response.date {
        Some(date) if date.as_unix().saturating_sub(LEEWAY) >= exp.min(i64::MAX as u64) as i64 => {
            Err(Error::InvalidIdToken("it has expired"))
        }
        _ => Ok(()),
    }
}
