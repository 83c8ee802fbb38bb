//! The parameters of a request, from a form, from JSON or from a query.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::options::Bodies;
use super::reply::Refusal;

/// Parameters that may be written down; the value of any other one may be a secret.
const PUBLIC: [&str; 8] = [
    "client_id",
    "grant_type",
    "scope",
    "organization_id",
    "nonce",
    "token_type_hint",
    "user_code",
    "decision",
];

/// Parameters by name, each at most once.
#[derive(Clone, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// A form body, as RFC 6749 asks for: right content type, UTF-8, nothing twice.
    pub(super) fn form(request: &Request<Bytes>) -> Result<Self, Refusal> {
        if media_type(request) != Some("application/x-www-form-urlencoded") {
            return Err(Refusal::invalid_request("the body must be form encoded"));
        }
        Self::pairs(request.body())
    }

    /// What WorkOS reads: JSON or a form, as far as the options allow.
    pub(super) fn workos(request: &Request<Bytes>, bodies: Bodies) -> Result<Self, Refusal> {
        match (media_type(request), bodies) {
            (Some("application/x-www-form-urlencoded"), Bodies::Any | Bodies::Form) => {
                Self::pairs(request.body())
            }
            (Some("application/json"), Bodies::Any | Bodies::Json) => Self::json(request.body()),
            _ => Err(Refusal::invalid_request("the body has a media type that is not read here")),
        }
    }

    pub(super) fn query(request: &Request<Bytes>) -> Result<Self, Refusal> {
        Self::pairs(request.uri().query().unwrap_or_default().as_bytes())
    }

    fn pairs(encoded: &[u8]) -> Result<Self, Refusal> {
        if std::str::from_utf8(encoded).is_err() {
            return Err(Refusal::invalid_request("the parameters are not UTF-8"));
        }
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if params.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Refusal::invalid_request(format!("{name} is there twice")));
            }
        }
        // RFC 6749 section 3.1: a parameter without a value counts as omitted.
        params.retain(|_, value| !value.is_empty());
        Ok(Self(params))
    }

    fn json(body: &[u8]) -> Result<Self, Refusal> {
        let unprocessable = |message: &str, field: &str| Refusal::Workos {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "unprocessable_entity",
            message: message.to_owned(),
            more: json!({"errors": [{"field": field, "code": "invalid"}]}),
        };
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
            return Err(unprocessable("The body is not a JSON object.", ""));
        };
        let mut params = BTreeMap::new();
        for (name, value) in object {
            match value {
                Value::String(value) => {
                    params.insert(name, value);
                }
                Value::Null => {}
                _ => return Err(unprocessable("A parameter is not a string.", &name)),
            }
        }
        Ok(Self(params))
    }

    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name).ok_or_else(|| Refusal::invalid_request(format!("{name} is missing")))
    }

    /// The same parameters with every value hidden that may be a secret.
    pub(super) fn redacted(&self) -> BTreeMap<String, String> {
        let shown = |(name, value): (&String, &String)| {
            let value = if PUBLIC.contains(&name.as_str()) { value } else { "<redacted>" };
            (name.clone(), value.to_owned())
        };
        self.0.iter().map(shown).collect()
    }
}

/// The media type without its parameters, if it is written in lower case.
pub(super) fn media_type(request: &Request<Bytes>) -> Option<&str> {
    let value = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}
