mod astro;
mod domain;
mod oidc;
mod software;
mod workos;

pub use self::astro::REDIRECT_URI as ASTRO_REDIRECT_URI;
pub use self::domain::{Domain, InvalidDomain, System};

use crate::wire::{ParseJson, Value, concat, form};
use crate::{Body, Credentials, Endpoint, Error, Request, Secret, User};

/// A server that signs users in, as data: where its endpoints are, who asks, and what is special.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The issuer identifier (RFC 8414 §2), compared byte for byte; for a provider without
    /// metadata the URL that its user knows it by.
    pub issuer: String,
    /// The public client's `client_id` (RFC 6749 §2.2).
    pub client_id: String,
    /// The scopes to ask for (RFC 6749 §3.3).
    pub scopes: Vec<String>,
    /// Where requests go.
    pub endpoints: Endpoints,
    /// What differs from the standards.
    pub dialect: Dialect,
}

/// A provider's endpoints. What is absent cannot be done there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// RFC 6749 §3.1; a query in it is kept
    pub authorization: Option<Endpoint>,
    /// RFC 8628 §3.1
    pub device_authorization: Option<Endpoint>,
    /// RFC 6749 §3.2
    pub token: Option<Endpoint>,
    /// RFC 7009 §2; with WorkOS the session's logout
    pub revocation: Option<Endpoint>,
    /// OpenID Connect Core §5.3
    pub userinfo: Option<Endpoint>,
    /// Whether every authorization response names the issuer (RFC 9207 §3,
    /// `authorization_response_iss_parameter_supported`).
    pub issuer_in_callback: bool,
}

/// What a provider does in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// RFC 6749, 7009, 8628 and OpenID Connect, to the letter.
    Standard,
    /// WorkOS user management: a `user` in the token response, organizations, sign-out by session.
    WorkOs(Encoding),
    /// Astro cloud: a standard provider whose redirect URI is registered with its port.
    Astro,
    /// Astronomer Software: Houston's GraphQL in place of OAuth, and its token without `Bearer`.
    Software,
}

/// How WorkOS is sent its parameters. It documents both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As its OpenAPI description has them
    Json,
    /// As RFC 6749 has them
    Form,
}

/// RFC 9207 §3, in metadata and in the stored form.
const ISSUER_IN_CALLBACK: &str = "authorization_response_iss_parameter_supported";

impl Endpoints {
    /// The names by which endpoints are set by hand and stored.
    pub const NAMES: [&'static str; 5] =
        ["authorization", "device_authorization", "token", "revocation", "userinfo"];

    /// None yet, but what metadata, or the stored form, says of the callback.
    pub(crate) fn knowing_callback(value: &Value) -> Self {
        let issuer_in_callback = matches!(value.field(ISSUER_IN_CALLBACK), Some(Value::Bool(true)));
        Self { issuer_in_callback, ..Self::default() }
    }

    /// The endpoint called `name`, one of [`NAMES`](Self::NAMES).
    pub fn by_name(&mut self, name: &str) -> Option<&mut Option<Endpoint>> {
        match name {
            "authorization" => Some(&mut self.authorization),
            "device_authorization" => Some(&mut self.device_authorization),
            "token" => Some(&mut self.token),
            "revocation" => Some(&mut self.revocation),
            "userinfo" => Some(&mut self.userinfo),
            _ => None,
        }
    }

    /// In the order of [`NAMES`](Self::NAMES).
    fn all(&self) -> [&Option<Endpoint>; 5] {
        [
            &self.authorization,
            &self.device_authorization,
            &self.token,
            &self.revocation,
            &self.userinfo,
        ]
    }

    /// The stored form: an object of URLs, and what is known of the callback.
    pub fn to_value(&self) -> Value {
        let mut endpoints = Value::Map(Vec::new());
        for (name, endpoint) in Self::NAMES.into_iter().zip(self.all()) {
            endpoints.put(name, endpoint.as_ref().map(Endpoint::as_str));
        }
        endpoints.put(ISSUER_IN_CALLBACK, self.issuer_in_callback.then_some(true));
        endpoints
    }

    /// Reads the stored form; `None` if it is not one.
    pub fn from_value(value: &Value) -> Option<Self> {
        let mut endpoints = Self::knowing_callback(value);
        for name in Self::NAMES {
            if let (Some(url), Some(endpoint)) = (value.string(name), endpoints.by_name(name)) {
                *endpoint = Some(Endpoint::parse(url).ok()?);
            }
        }
        Some(endpoints)
    }

    /// Takes over what `other` has and this one lacks.
    pub fn fill_gaps(&mut self, mut other: Self) {
        self.issuer_in_callback |= other.issuer_in_callback;
        for name in Self::NAMES {
            if let (Some(own), Some(theirs)) = (self.by_name(name), other.by_name(name))
                && own.is_none()
            {
                *own = theirs.take();
            }
        }
    }
}

/// The `Authorization` field of RFC 6750 §2.1.
pub(crate) fn bearer(access_token: &Secret) -> Secret {
    Secret::new(concat(&["Bearer ", access_token.expose_secret()]))
}

impl Provider {
    /// The stored form: an object without secrets.
    pub fn to_value(&self) -> Value {
        let (kind, encoding) = match self.dialect {
            Dialect::Standard => ("oidc", None),
            Dialect::WorkOs(Encoding::Json) => ("workos", None),
            Dialect::WorkOs(Encoding::Form) => ("workos", Some("form")),
            Dialect::Astro => ("astro", None),
            Dialect::Software => ("software", None),
        };
        let scopes = self.scopes.iter().map(|scope| scope.as_str().into()).collect();
        let mut provider = Value::Map(Vec::new());
        provider.put("kind", Some(kind));
        provider.put("encoding", encoding);
        provider.put("issuer", Some(self.issuer.as_str()));
        provider.put("client_id", Some(self.client_id.as_str()));
        provider.put("scopes", Some(Value::List(scopes)));
        provider.put("endpoints", Some(self.endpoints.to_value()));
        provider
    }

    /// Reads the stored form; `None` if it is not one.
    pub fn from_value(value: &Value) -> Option<Self> {
        let dialect = match (value.string("kind")?, value.string("encoding")) {
            ("oidc", _) => Dialect::Standard,
            ("workos", Some("form")) => Dialect::WorkOs(Encoding::Form),
            ("workos", None) => Dialect::WorkOs(Encoding::Json),
            ("astro", _) => Dialect::Astro,
            ("software", _) => Dialect::Software,
            _ => return None,
        };
        let mut scopes = Vec::new();
        for scope in value.field("scopes")?.as_list()? {
            scopes.push(scope.as_str()?.to_owned());
        }
        Some(Self {
            issuer: value.string("issuer")?.to_owned(),
            client_id: value.string("client_id")?.to_owned(),
            scopes,
            endpoints: Endpoints::from_value(value.field("endpoints")?)?,
            dialect,
        })
    }

    /// The scopes as one parameter (RFC 6749 §3.3).
    pub(crate) fn scope(&self) -> String {
        let mut scope = String::new();
        for name in &self.scopes {
            if !scope.is_empty() {
                scope.push(' ');
            }
            scope.push_str(name);
        }
        scope
    }

    /// The whole `Authorization` field of a request with `access_token`: RFC 6750 §2.1, or with
    /// Houston the token alone.
    pub fn authorization(&self, access_token: &Secret) -> Secret {
        match self.dialect {
            Dialect::Software => access_token.clone(),
            _ => bearer(access_token),
        }
    }

    /// The request that starts the device flow (RFC 8628 §3.1).
    pub(crate) fn device_authorization_request(&self) -> Result<Box<Request>, Error> {
        let scope = self.scope();
        let mut fields = vec![("client_id", self.client_id.as_str())];
        if self.dialect == Dialect::Standard && !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        let endpoint = &self.endpoints.device_authorization;
        self.post(endpoint.as_ref(), "device_authorization", &fields)
    }

    /// A request to the token endpoint (RFC 6749 §3.2) of a public client.
    pub(crate) fn token_request(&self, fields: &[(&str, &str)]) -> Result<Box<Request>, Error> {
        let mut fields = fields.to_vec();
        fields.push(("client_id", &self.client_id));
        self.post(self.endpoints.token.as_ref(), "token", &fields)
    }

    /// The request that ends the session of `credentials` at the server, where there is a way.
    pub(crate) fn revocation_request(
        &self,
        credentials: &Credentials,
        parse: ParseJson,
    ) -> Result<Option<Box<Request>>, Error> {
        let Some(endpoint) = &self.endpoints.revocation else { return Ok(None) };
        match self.dialect {
            Dialect::WorkOs(_) => Ok(workos::sign_out(endpoint, credentials, parse)?),
            // Auth0 knows refresh tokens only, and calls any other one revoked too.
            Dialect::Astro if credentials.refresh_token.is_none() => Ok(None),
            _ => oidc::revocation(self, endpoint, credentials).map(Some),
        }
    }

    /// Whether each login has a session of its own, which revocation ends alone.
    ///
    /// Standard providers keep one grant for a user's browser and a client, and RFC 7009 §2.1 lets
    /// revocation end all of it.
    pub(crate) fn has_sessions_of_logins(&self) -> bool {
        matches!(self.dialect, Dialect::WorkOs(_))
    }

    /// What tells the grant behind `credentials` from another one, if that is known. At a standard
    /// provider only another user's is surely another one.
    pub(crate) fn grant_of(&self, credentials: &Credentials, parse: ParseJson) -> Option<String> {
        match self.dialect {
            Dialect::WorkOs(_) => workos::session_id(credentials, parse),
            _ => credentials.identity.subject.clone(),
        }
    }

    /// The user whom a token response names by itself, if it does.
    pub(crate) fn user_in(&self, body: &Value, id_token_claims: Option<&Value>) -> Option<User> {
        match self.dialect {
            Dialect::WorkOs(_) => body.field("user").and_then(workos::user),
            _ => id_token_claims.and_then(oidc::user),
        }
    }

    /// The organization that a grant is for.
    pub(crate) fn organization_in(
        &self,
        body: &Value,
        access_claims: Option<&Value>,
    ) -> Option<String> {
        match self.dialect {
            Dialect::WorkOs(_) => workos::organization(body, access_claims),
            _ => None,
        }
    }

    /// Reads `claims` of userinfo as a user.
    pub(crate) fn user_of_claims(claims: &Value) -> Option<User> {
        oidc::user(claims)
    }

    fn post(
        &self,
        endpoint: Option<&Endpoint>,
        name: &'static str,
        fields: &[(&str, &str)],
    ) -> Result<Box<Request>, Error> {
        let endpoint = endpoint.ok_or(Error::MissingEndpoint(name))?.clone();
        let body = match self.dialect {
            Dialect::WorkOs(Encoding::Json) => {
                let mut body = Value::Map(Vec::new());
                for (name, value) in fields {
                    body.put(name, Some(*value));
                }
                Body::Json(body)
            }
            _ => Body::Form(Secret::new(form(fields))),
        };
        Ok(Request::post(endpoint, body))
    }
}
