//! Ending sessions: RFC 7009 revocation and WorkOS's logout URL.

use http::StatusCode;

use super::device::known_client;
use super::params::Params;
use super::reply::{Refusal, Reply};
use super::state::{Call, State};

/// `POST /revoke`. A refresh token takes its session along, an access token goes alone.
pub(super) fn revoke(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let params = state.body_params(call)?;
    let client = known_client(state, call, &params)?;
    let token = params.required("token")?;
    let refresh = state.refresh_tokens.get(token).map(|token| token.session.clone());
    let access = state.access_tokens.get(token).map(|token| token.session.clone());
    let Some(id) = refresh.clone().or(access) else {
        // RFC 7009 section 2.2: an unknown token is as good as a revoked one.
        return Ok(Reply::empty(StatusCode::OK).outcome("revoked"));
    };
    if state.sessions.get(&id).is_some_and(|session| session.client != client) {
        return Err(Refusal::invalid_grant("the token belongs to another client"));
    }
    if refresh.is_some() {
        state.end_session(&id);
    } else {
        state.access_tokens.remove(token);
    }
    Ok(Reply::empty(StatusCode::OK).outcome("revoked").session(&id))
}

/// `GET /user_management/sessions/logout?session_id=…`. Nobody is authenticated here, so the
/// answer does not tell whether there was such a session.
pub(super) fn logout(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let params = Params::query(call.request)?;
    let id = params.required("session_id")?;
    let outcome = if state.sessions.contains_key(id) { "signed_out" } else { "unknown_session" };
    state.end_session(id);
    Ok(Reply::redirect(StatusCode::FOUND, "/").outcome(outcome).session(id))
}
