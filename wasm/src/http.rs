use astropass_core::{Body, Http, HttpError, Request, Response, Timestamp};
use js_sys::{Object, Uint8Array};
use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

use crate::bindings::{Host, exchange, http_error, print, property, put};
use crate::json::to_js;
use crate::task::settled;

/// Requests by `fetch`: the page's, or the one that the caller gave.
pub(crate) struct FetchHttp(pub(crate) Host);

impl Http for FetchHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let (millis, max_body) = (request.timeout.as_secs_f64() * 1000.0, request.max_body as f64);
        let url = request.endpoint.as_str();
        let sent = exchange(&self.0.fetch(), url, &init(&request), millis, max_body);
        received(settled(sent).await)
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

/// What `new Request` takes beside the URL.
fn init(request: &Request) -> Object {
    let headers = Object::new();
    for (name, value) in &request.headers {
        put(&headers, name, &value.into());
    }
    if let Some(authorization) = &request.authorization {
        put(&headers, "authorization", &authorization.expose_secret().into());
    }
    let (media_type, body): (_, JsValue) = match &request.body {
        Body::Empty => ("", JsValue::UNDEFINED),
        Body::Form(form) => ("application/x-www-form-urlencoded", form.expose_secret().into()),
        Body::Json(value) => ("application/json", print(&to_js(value))),
        Body::Raw(bytes) => ("", Uint8Array::from(bytes.as_slice()).into()),
    };
    if !media_type.is_empty() {
        put(&headers, "content-type", &media_type.into());
    }
    let init = Object::new();
    put(&init, "method", &request.method.as_str().into());
    put(&init, "headers", &headers);
    put(&init, "body", &body);
    init
}
