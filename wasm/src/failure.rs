use astropass_core::wire::Value;
use astropass_core::{Error, ServerError};
use wasm_bindgen::JsValue;

use crate::json::to_js;

/// What the npm package makes an `AstropassError` of: `{code, message, error?, errorDescription?,
/// status?, retryAfter?}`.
pub(crate) fn to_js_error(error: &Error) -> JsValue {
    let server = match error {
        Error::Server(server)
        | Error::SessionOver(Some(server))
        | Error::AccessDenied(Some(server)) => Some(server),
        _ => None,
    };
    let (status, retry_after) = match (error, server) {
        (_, Some(ServerError { status, .. })) => (Some(*status), None),
        (Error::Unavailable { status, retry_after }, _) => (Some(*status), *retry_after),
        (Error::MalformedResponse { status, .. }, _) => (Some(*status), None),
        _ => (None, None),
    };
    to_js(&Value::map([
        ("code", Some(error.code().into())),
        ("message", Some(error.to_string().as_str().into())),
        ("error", server.map(|server| server.code.as_str().into())),
        ("errorDescription", server.and_then(|s| s.description.as_deref().map(Value::from))),
        ("status", status.map(|status| u64::from(status).into())),
        ("retryAfter", retry_after.map(|wait| wait.as_secs().into())),
    ]))
}
