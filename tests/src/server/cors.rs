//! Cross-origin requests, as the Fetch standard describes them.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{Method, Request, StatusCode};

use super::options::Cors;
use super::reply::Reply;
use super::route::Endpoint;
use super::state::Call;

/// Whether a browser asks beforehand what it may send, and CORS is on.
pub(super) fn is_preflight(call: &Call<'_>, cors: &Cors) -> bool {
    let page = call.endpoint.is_for_people() || call.endpoint == Endpoint::Admin;
    let asked = call.request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    !page && *cors != Cors::Off && asked && call.request.method() == Method::OPTIONS
}

/// The answer to a preflight; [`allow`] adds who may go on.
pub(super) fn preflight() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
        .header(ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE")
        .header(ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type")
        .header(ACCESS_CONTROL_MAX_AGE, "600")
        .outcome("preflight")
}

/// Lets an allowed origin read an answer.
pub(super) fn allow(reply: Reply, request: &Request<Bytes>, cors: &Cors) -> Reply {
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let allowed = match (cors, origin) {
        (Cors::Any, Some(_)) => "*",
        (Cors::Origins(origins), Some(origin)) if origins.iter().any(|o| o == origin) => origin,
        _ => return reply,
    };
    reply
        .header(ACCESS_CONTROL_ALLOW_ORIGIN, allowed)
        .header(ACCESS_CONTROL_EXPOSE_HEADERS, "date, retry-after, www-authenticate")
        .header(VARY, "origin")
}
