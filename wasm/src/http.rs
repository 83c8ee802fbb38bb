use astropass_core::{Body, Http, HttpError, HttpErrorKind, Request, Response, Timestamp};
use gloo_net::http::{Method, RequestBuilder};
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{AbortController, RequestRedirect};
use zeroize::Zeroizing;

use crate::bindings::{Host, exchange, http_error, property};
use crate::json::print_json;

/// Requests by `fetch`: the page's, or the one that the caller gave.
pub(crate) struct FetchHttp(pub(crate) Host);

impl Http for FetchHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let (millis, max_body) = (request.timeout.as_millis() as f64, request.max_body as f64);
        let invalid = || HttpError { kind: HttpErrorKind::Invalid, detail: String::new() };
        let controller = AbortController::new().map_err(|_| invalid())?;
        let request = to_fetch(&request, &controller).ok_or_else(invalid)?;
        let received = exchange(&self.0.fetch(), &request, &controller, millis, max_body).await;
        let received = received.map_err(|error| http_error(&error))?;
        let number = |name| property(&received, name).as_f64();
        Ok(Response {
            status: number("status").unwrap_or_default() as u16,
            headers: Vec::new(),
            date: number("date").map(|date| Timestamp::from_unix(date as i64)),
            // What is none or negative becomes zero.
            retry_after: number("retryAfter").unwrap_or_default() as u32,
            body: Zeroizing::new(Uint8Array::new(&property(&received, "body")).to_vec()),
        })
    }
}

fn to_fetch(request: &Request, controller: &AbortController) -> Option<web_sys::Request> {
    // Core asks for nothing else, and a method by name would need the whole list of them.
    let method = if request.method == "GET" { Method::GET } else { Method::POST };
    let mut builder = RequestBuilder::new(request.endpoint.as_str())
        .method(method)
        // Never followed. It is not "error", since WorkOS's sign-out ends in a redirect, and since
        // workerd has no such thing.
        .redirect(RequestRedirect::Manual)
        .abort_signal(Some(&controller.signal()));
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Some(authorization) = &request.authorization {
        builder = builder.header("authorization", authorization.expose_secret());
    }
    let (media_type, body): (_, JsValue) = match &request.body {
        Body::Empty => return builder.build().ok().map(Into::into),
        Body::Form(form) => ("application/x-www-form-urlencoded", form.expose_secret().into()),
        Body::Json(value) => ("application/json", print_json(value)),
        Body::Raw(bytes) => {
            return builder.body(Uint8Array::from(bytes.as_slice())).ok().map(Into::into);
        }
    };
    builder.header("content-type", media_type).body(body).ok().map(Into::into)
}
