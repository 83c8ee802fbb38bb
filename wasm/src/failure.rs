use astropass_core::Error;
use astropass_core::wire::Value;
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
        (_, Some(server)) => (server.status.into(), 0),
        (Error::Unavailable { status, retry_after }, _) => (*status, *retry_after),
        (Error::MalformedResponse(error), _) => (error.status.into(), 0),
        _ => (0, 0),
    };
    let positive = |number: u32| Some(u64::from(number)).filter(|number| *number > 0);
    let mut shape = Value::Map(Vec::new());
    shape.put("code", Some(error.code()));
    shape.put("message", Some(error.message().as_str()));
    shape.put("error", server.map(|server| server.code.as_str()));
    shape.put("errorDescription", server.and_then(|server| server.description.as_deref()));
    shape.put("status", positive(status));
    shape.put("retryAfter", positive(retry_after));
    to_js(&shape)
}
