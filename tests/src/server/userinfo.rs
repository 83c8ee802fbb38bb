//! OpenID Connect userinfo, and bearer tokens (RFC 6750).

use http::StatusCode;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use super::options::User;
use super::reply::{Refusal, Reply};
use super::state::{Call, Session, State};

/// `GET` or `POST /userinfo`.
pub(super) fn userinfo(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let session = state.bearer(call)?;
    if !session.scopes.iter().any(|scope| scope == "openid") {
        let status = StatusCode::FORBIDDEN;
        return Err(Refusal::Bearer { status, error: Some("insufficient_scope") });
    }
    let claims = claims(&session.user, &session.scopes);
    Ok(Reply::json(StatusCode::OK, &Value::Object(claims)).session(&session.id))
}

/// The claims about a user that the scopes allow.
pub(super) fn claims(user: &User, scopes: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(user.id));
    if scopes.iter().any(|scope| scope == "profile") {
        claims.insert("name".to_owned(), json!(user.name()));
        claims.insert("given_name".to_owned(), json!(user.first_name));
        claims.insert("family_name".to_owned(), json!(user.last_name));
    }
    if scopes.iter().any(|scope| scope == "email") {
        claims.insert("email".to_owned(), json!(user.email));
        claims.insert("email_verified".to_owned(), json!(true));
    }
    claims
}

impl State {
    /// The session of the bearer token in a request, with the organization of that token.
    pub(super) fn bearer(&self, call: &Call<'_>) -> Result<Session, Refusal> {
        let refused = |error| Refusal::Bearer { status: StatusCode::UNAUTHORIZED, error };
        let header = call.request.headers().get(AUTHORIZATION).ok_or_else(|| refused(None))?;
        let header = header.to_str().map_err(|_| refused(Some("invalid_token")))?;
        let (scheme, token) = header.split_once(' ').ok_or_else(|| refused(None))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused(None));
        }
        let token = self.access_tokens.get(token).filter(|token| call.now < token.expires_at);
        let token = token.ok_or_else(|| refused(Some("invalid_token")))?;
        let session = self.sessions.get(&token.session).filter(|session| !session.revoked);
        let mut session = session.ok_or_else(|| refused(Some("invalid_token")))?.clone();
        session.organization.clone_from(&token.organization);
        Ok(session)
    }
}
