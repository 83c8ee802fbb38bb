//! The token endpoint of both dialects: RFC 6749 section 6 refresh, and what either code gets.

use http::StatusCode;
use serde_json::{Value, json};

use super::authorization::redeem;
use super::device::{known_client, poll};
use super::options::Rotation;
use super::params::Params;
use super::reply::{Refusal, Reply};
use super::route::Dialect;
use super::state::{Call, Decision, Session, State, Used};
use super::{CODE_GRANT, DEVICE_CODE_GRANT};

/// `POST /token` and `POST /user_management/authenticate`.
pub(super) fn token(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let params = state.body_params(call)?;
    let grant_type = params.required("grant_type")?;
    if ![CODE_GRANT, DEVICE_CODE_GRANT, "refresh_token"].contains(&grant_type) {
        return Err(Refusal::bad("unsupported_grant_type", "this grant type is not offered"));
    }
    let client = known_client(state, call, &params)?;
    let session = match grant_type {
        "refresh_token" => return refresh(state, call, &client, &params),
        CODE_GRANT => redeem(state, call, &client, &params)?,
        _ => poll(state, call, &client, &params)?,
    };
    if let Some(refusal) = organization_missing(state, &session) {
        let code = params.optional("device_code").unwrap_or_default();
        if let Some(device) = state.devices.get_mut(code) {
            device.decision = Decision::Denied;
        }
        return Err(refusal);
    }
    let refresh_token = match session.dialect {
        Dialect::Workos => Some(state.refresh_token(&session, call.now)?),
        Dialect::Standard if session.scopes.iter().any(|scope| scope == "offline_access") => {
            Some(state.refresh_token(&session, call.now)?)
        }
        Dialect::Standard => None,
    };
    let scopes = session.scopes.clone();
    let answer = state.answer(&session, refresh_token.as_deref(), &scopes, call.now)?;
    let reply = Reply::secret(&answer).outcome("signed_in").session(&session.id);
    state.sessions.insert(session.id.clone(), session);
    Ok(reply)
}

fn organization_missing(state: &State, session: &Session) -> Option<Refusal> {
    let missing = state.options.workos_organization_required
        && session.dialect == Dialect::Workos
        && session.organization.is_none()
        && !session.user.memberships.is_empty();
    let organizations: Vec<_> = (state.options.organizations.iter())
        .filter(|organization| session.user.role(&organization.id).is_some())
        .map(|organization| json!({"id": organization.id, "name": organization.name}))
        .collect();
    missing.then(|| Refusal::Workos {
        status: StatusCode::FORBIDDEN,
        code: "organization_selection_required",
        message: "The user must choose an organization to finish their authentication.".to_owned(),
        more: json!({"organizations": organizations}),
    })
}

fn refresh(
    state: &mut State,
    call: &Call<'_>,
    client: &str,
    params: &Params,
) -> Result<Reply, Refusal> {
    let sent = params.required("refresh_token")?;
    let gone = || Refusal::invalid_grant("the refresh token is not valid");
    let token = state.refresh_tokens.get(sent).ok_or_else(gone)?;
    let mut session = state.sessions.get(&token.session).ok_or_else(gone)?.clone();
    if session.client != client || session.dialect != call.dialect {
        return Err(gone());
    }
    if session.revoked || call.now >= token.expires_at {
        return Ok(gone().into_reply().session(&session.id));
    }
    if let Some(used) = &token.used {
        let last = state.refresh_tokens.get(&used.successor).is_some_and(|t| t.used.is_none());
        if last && call.now < used.at + state.options.grace {
            return Ok(Reply::secret(&used.answer).outcome("replayed").session(&session.id));
        }
        if state.options.reuse_detection {
            state.end_session(&session.id);
        }
        return Ok(gone().into_reply().outcome("reuse").session(&session.id));
    }

    let scopes = match (call.dialect, params.optional("scope")) {
        (Dialect::Standard, Some(asked)) => state.scopes(Some(asked), &session.scopes)?,
        _ => session.scopes.clone(),
    };
    if let (Dialect::Workos, Some(id)) = (call.dialect, params.optional("organization_id")) {
        if session.user.role(id).is_none() {
            return Err(Refusal::Workos {
                status: StatusCode::FORBIDDEN,
                code: "not_organization_member",
                message: "The user is not a member of this organization.".to_owned(),
                more: Value::Null,
            });
        }
        session.organization = Some(id.to_owned());
        state.sessions.insert(session.id.clone(), session.clone());
    }

    let returned = match state.options.rotation {
        Rotation::Rotate => Some(state.refresh_token(&session, call.now)?),
        Rotation::Same => Some(sent.to_owned()),
        Rotation::Omit => None,
    };
    let answer = state.answer(&session, returned.as_deref(), &scopes, call.now)?;
    if state.options.rotation == Rotation::Rotate
        && let (Some(token), Some(successor)) = (state.refresh_tokens.get_mut(sent), returned)
    {
        token.used = Some(Used { at: call.now, answer: answer.clone(), successor });
    }
    Ok(Reply::secret(&answer).outcome("refreshed").session(&session.id))
}
