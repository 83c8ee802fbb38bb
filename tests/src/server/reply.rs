//! Answers, and the refusals of both dialects.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::token::CryptoFailed;

/// An answer, and what the journal says about it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) response: Response<Bytes>,
    pub(super) outcome: String,
    pub(super) session: Option<String>,
}

impl Reply {
    pub(super) fn new(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        let reply = Self { response, outcome: "ok".to_owned(), session: None };
        reply.header(CONTENT_TYPE, content_type)
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self { response, outcome: "ok".to_owned(), session: None }
    }

    pub(super) fn redirect(status: StatusCode, location: &str) -> Self {
        Self::empty(status).header(LOCATION, location)
    }

    /// RFC 6749 section 5.1: what holds tokens is not cached.
    pub(super) fn secret(body: &Value) -> Self {
        Self::json(StatusCode::OK, body).header(CACHE_CONTROL, "no-store")
    }

    /// Adds a header, unless its value could not be sent.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }

    pub(super) fn outcome(mut self, outcome: &str) -> Self {
        outcome.clone_into(&mut self.outcome);
        self
    }

    pub(super) fn session(mut self, session: &str) -> Self {
        self.session = Some(session.to_owned());
        self
    }
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// RFC 6749 section 5.2, and WorkOS's first shape: `error` and `error_description`.
    OAuth {
        status: StatusCode,
        error: &'static str,
        description: String,
    },
    /// WorkOS's other shape: `code`, `message`, and whatever that code needs besides.
    Workos {
        status: StatusCode,
        code: &'static str,
        message: String,
        more: Value,
    },
    /// RFC 6750 section 3: no token at all, or one that is not good enough.
    Bearer {
        status: StatusCode,
        error: Option<&'static str>,
    },
    NotFound,
    MethodNotAllowed(&'static [http::Method]),
    /// The server itself failed.
    Crypto,
}

impl Refusal {
    pub(super) fn bad(error: &'static str, description: impl Into<String>) -> Self {
        Self::OAuth { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::bad("invalid_request", description)
    }

    pub(super) fn invalid_grant(description: &str) -> Self {
        Self::bad("invalid_grant", description)
    }

    pub(super) fn into_reply(self) -> Reply {
        match self {
            Self::OAuth { status, error, description } => {
                let body = json!({"error": error, "error_description": description});
                Reply::json(status, &body).header(CACHE_CONTROL, "no-store").outcome(error)
            }
            Self::Workos { status, code, message, more } => {
                let mut body = json!({"code": code, "message": message});
                if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
                    body.extend(more);
                }
                Reply::json(status, &body).header(CACHE_CONTROL, "no-store").outcome(code)
            }
            Self::Bearer { status, error } => {
                let challenge = match error {
                    None => "Bearer".to_owned(),
                    Some(error) => format!("Bearer error=\"{error}\""),
                };
                let error = error.unwrap_or("missing_token");
                Reply::json(status, &json!({"error": error}))
                    .header(WWW_AUTHENTICATE, &challenge)
                    .outcome(error)
            }
            Self::NotFound => Reply::json(StatusCode::NOT_FOUND, &json!({"message": "Not Found"}))
                .outcome("not_found"),
            Self::MethodNotAllowed(allowed) => {
                let allowed: Vec<_> = allowed.iter().map(http::Method::as_str).collect();
                Reply::json(StatusCode::METHOD_NOT_ALLOWED, &json!({"message": "Wrong method"}))
                    .header(ALLOW, &allowed.join(", "))
                    .outcome("method_not_allowed")
            }
            Self::Crypto => {
                Reply::json(StatusCode::INTERNAL_SERVER_ERROR, &json!({"error": "server_error"}))
                    .outcome("server_error")
            }
        }
    }
}

impl From<CryptoFailed> for Refusal {
    fn from(_: CryptoFailed) -> Self {
        Self::Crypto
    }
}
