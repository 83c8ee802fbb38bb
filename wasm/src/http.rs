use astropass_core::{Body, Http, HttpError, HttpErrorKind, Request, Response, Timestamp};
use gloo_net::http::Headers;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::RequestInit;
use zeroize::Zeroizing;

use crate::bindings::{Host, exchange, http_error, property};
use crate::json::print_json;
use crate::task::settled;

/// Requests by `fetch`: the page's, or the one that the caller gave.
pub(crate) struct FetchHttp(pub(crate) Host);

impl Http for FetchHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let (millis, max_body) = (request.timeout.as_secs_f64() * 1000.0, request.max_body as f64);
        let request = to_fetch(&request)
            .ok_or_else(|| HttpError { kind: HttpErrorKind::Invalid, detail: String::new() })?;
        settled(exchange(&self.0.fetch(), &request, millis, max_body), received).await
    }
}

fn received(response: Result<JsValue, JsValue>) -> Result<Response, HttpError> {
    let response = response.map_err(|error| http_error(&error))?;
    let number = |name| property(&response, name).as_f64();
    Ok(Response {
        status: number("status").unwrap_or_default() as u16,
        headers: Vec::new(),
        date: number("date").map(|date| Timestamp::from_unix(date as i64)),
        // What is none or negative becomes zero.
        retry_after: number("retryAfter").unwrap_or_default() as u32,
        body: Zeroizing::new(Uint8Array::new(&property(&response, "body")).to_vec()),
    })
}

/// Gloo's builder would also read the query, by way of much of `core::fmt`.
fn to_fetch(request: &Request) -> Option<web_sys::Request> {
    let headers = Headers::new();
    for (name, value) in &request.headers {
        headers.set(name, value);
    }
    if let Some(authorization) = &request.authorization {
        headers.set("authorization", authorization.expose_secret());
    }
    let (media_type, body): (_, JsValue) = match &request.body {
        Body::Empty => ("", JsValue::UNDEFINED),
        Body::Form(form) => ("application/x-www-form-urlencoded", form.expose_secret().into()),
        Body::Json(value) => ("application/json", print_json(value)),
        Body::Raw(bytes) => ("", Uint8Array::from(bytes.as_slice()).into()),
    };
    if !media_type.is_empty() {
        headers.set("content-type", media_type);
    }
    let init = RequestInit::new();
    init.set_method(&request.method);
    init.set_headers(&headers.into_raw());
    init.set_body(&body);
    web_sys::Request::new_with_str_and_init(request.endpoint.as_str(), &init).ok()
}
