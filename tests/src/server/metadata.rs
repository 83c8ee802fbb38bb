//! RFC 8414 metadata, OpenID Connect discovery, and the keys.

use http::StatusCode;
use serde_json::{Value, json};

use super::DEVICE_CODE_GRANT;
use super::device::overridden;
use super::reply::{Refusal, Reply};
use super::route::Dialect;
use super::state::{Call, State};

/// `/.well-known/oauth-authorization-server`. It lacks `userinfo_endpoint`.
pub(super) fn oauth(state: &State) -> Result<Reply, Refusal> {
    if !state.options.oauth_metadata {
        return Err(Refusal::NotFound);
    }
    let revocation = format!("{}/revoke", state.issuer());
    let own = json!({
        "revocation_endpoint": revocation,
        "revocation_endpoint_auth_methods_supported": ["none"],
    });
    Ok(document(state, own))
}

/// `/.well-known/openid-configuration`. It lacks `revocation_endpoint`.
pub(super) fn openid(state: &State) -> Result<Reply, Refusal> {
    if !state.options.openid_configuration {
        return Err(Refusal::NotFound);
    }
    let userinfo = format!("{}/userinfo", state.issuer());
    let own = json!({
        "userinfo_endpoint": userinfo,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    Ok(document(state, own))
}

fn document(state: &State, own: Value) -> Reply {
    let issuer = state.issuer();
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "authorization_response_iss_parameter_supported": true,
        "code_challenge_methods_supported": ["S256"],
        "device_authorization_endpoint": format!("{issuer}/device_authorization"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "scopes_supported": state.options.scopes,
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", DEVICE_CODE_GRANT, "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
    });
    if let (Some(document), Value::Object(own)) = (document.as_object_mut(), own) {
        document.extend(own);
    }
    Reply::json(StatusCode::OK, &overridden(document, &state.options.metadata))
}

/// `/jwks`, and `/sso/jwks/{client_id}` for a registered client.
pub(super) fn jwks(state: &State, call: &Call<'_>) -> Result<Reply, Refusal> {
    if call.dialect == Dialect::Workos {
        let id = call.request.uri().path().strip_prefix("/sso/jwks/").unwrap_or_default();
        if !state.options.clients.iter().any(|client| client.id == id) {
            return Err(Refusal::NotFound);
        }
    }
    Ok(Reply::json(StatusCode::OK, &state.mint.jwks()))
}
