//! The API server behind the tokens.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, StatusCode};
use serde_json::{Map, Value, json};

use super::params::Params;
use super::reply::{Refusal, Reply};
use super::state::{Call, State};

/// `GET /api/v1/me`: the accounts of the user, the personal one first.
pub(super) fn me(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let session = state.bearer(call)?;
    let user = &session.user;
    let mut accounts = vec![json!({
        "id": user.account,
        "name": user.name(),
        "type": "personal",
        "role": "owner",
        "workos_org_id": null,
    })];
    for organization in &state.options.organizations {
        if let Some(role) = user.role(&organization.id) {
            accounts.push(json!({
                "id": organization.id.replacen("org_", "acct_", 1),
                "name": organization.name,
                "type": "organization",
                "role": role,
                "workos_org_id": organization.id,
            }));
        }
    }
    Ok(Reply::json(StatusCode::OK, &json!({"accounts": accounts})).session(&session.id))
}

/// `GET /api/v1/projects`: the rows of the organization the token is for, or of the person.
pub(super) fn projects(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let session = state.bearer(call)?;
    let account = session.organization.as_ref().unwrap_or(&session.user.account);
    let rows: Vec<_> = (state.options.projects.iter())
        .filter(|project| project.account == *account)
        .map(|project| json!({"id": project.id, "name": project.name, "account": project.account}))
        .collect();
    Ok(Reply::json(StatusCode::OK, &json!({"projects": rows})).session(&session.id))
}

/// `/api/v1/echo`, any method: the request as it arrived, without its credentials. The query
/// `status=404` asks for that status.
pub(super) fn echo(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let session = state.bearer(call)?;
    let query = Params::query(call.request)?;
    let status = match query.optional("status") {
        None => Some(StatusCode::OK),
        Some(code) => code.parse().ok().and_then(|code| StatusCode::from_u16(code).ok()),
    };
    let status = status.filter(|status| status.as_u16() >= 200);
    let status = status.ok_or_else(|| Refusal::invalid_request("status is not 200 to 999"))?;
    let secret = |name: &HeaderName| name == AUTHORIZATION || name == COOKIE;
    let mut headers = Map::new();
    for (name, value) in call.request.headers() {
        if !secret(name) {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.insert(name.to_string(), Value::String(value));
        }
    }
    let body = json!({
        "method": call.request.method().as_str(),
        "path": call.request.uri().path(),
        "query": call.request.uri().query(),
        "headers": headers,
        "body": String::from_utf8_lossy(call.request.body()),
    });
    Ok(Reply::json(status, &body).session(&session.id))
}
