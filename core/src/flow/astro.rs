//! Astro cloud: what its API is asked before and after a login.

mod account;

pub use account::{Account, Membership};

use super::{Action, Exchange, Flow, Input};
use crate::wire::{ParseJson, Value};
use crate::{
    Body, Endpoint, Error, Instant, InvalidUrl, Provider, Request, Response, Secret, ServerError,
};

/// Where the users of a domain sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginServer {
    /// The public client's `client_id`
    pub client_id: String,
    /// The `audience` to ask tokens for
    pub audience: String,
    /// The login server, an Auth0 tenant
    pub login: Endpoint,
    /// Whether the organization is to be looked up by e-mail before the browser opens; see
    /// [`OrganizationLookup`]
    pub organization_first: bool,
}

impl LoginServer {
    /// The provider that this is.
    ///
    /// # Errors
    /// As [`Provider::astro`].
    pub fn provider(&self) -> Result<Provider, InvalidUrl> {
        Provider::astro(&self.login, &self.client_id, &self.audience)
    }
}

/// Asks a domain's API where its users sign in.
///
/// ```text
/// Start ─send→ Hub ─answer→ Ended
///               └─404, send→ Private ─answer→ Ended
/// ```
#[derive(Debug)]
pub struct AuthConfig {
    api: Endpoint,
    parse: ParseJson,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Start,
    Hub,
    Private,
    Ended,
}

impl AuthConfig {
    /// Asks `api`, such as `https://api.astronomer.io`; see [`Domain::api`](crate::Domain::api).
    pub fn new(api: &Endpoint, parse: ParseJson) -> Self {
        Self { api: api.clone(), parse, state: State::Start }
    }

    fn request(&self, path: &str) -> Result<Box<Request>, Error> {
        Ok(Request::fetch(self.api.join(path)?))
    }

    /// Reads `{clientId, audience, domainUrl, authFlow}`; the newer API has no `authFlow`.
    fn answered(&self, response: &Response) -> Result<LoginServer, Error> {
        const OF: &str = "auth config";
        let body = success(OF, response, self.parse, &[])?;
        let malformed = |problem| Error::malformed(OF, problem, 200);
        let text = |name| body.string(name).filter(|text| !text.is_empty());
        let login = text("domainUrl").ok_or_else(|| malformed("it has no domainUrl"))?;
        // What the browser brings back, and the tokens for it, are sent there.
        let login = Endpoint::parse(login)
            .ok()
            .filter(|login| login.is_https() || self.api.is_loopback())
            .ok_or_else(|| malformed("its domainUrl is not https"))?;
        Ok(LoginServer {
            client_id: text("clientId").ok_or_else(|| malformed("it has no clientId"))?.to_owned(),
            audience: text("audience").ok_or_else(|| malformed("it has no audience"))?.to_owned(),
            login,
            organization_first: text("authFlow") == Some("ORG_FIRST"),
        })
    }
}

impl Flow for AuthConfig {
    type Output = LoginServer;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<LoginServer>, Error> {
        let (state, action) = match (std::mem::replace(&mut self.state, State::Ended), input) {
            (State::Start, Input::Tick) => {
                (State::Hub, Action::Send(self.request("hub/auth-config")?))
            }
            (State::Hub, Input::Response(Ok(response))) if response.status == 404 => {
                let request = self.request("private/v1alpha1/cli/auth-config")?;
                (State::Private, Action::Send(request))
            }
            (State::Hub | State::Private, Input::Response(response)) => {
                (State::Ended, Action::Done(self.answered(&*response?)?))
            }
            (state @ (State::Hub | State::Private), Input::Tick) => (state, Action::AwaitResponse),
            (State::Ended, _) => return Err(Error::Finished),
            (State::Start, Input::Response(_)) => {
                self.state = State::Start;
                return Err(Error::UnexpectedResponse);
            }
        };
        self.state = state;
        Ok(action)
    }
}

/// Asks which organization an e-mail address belongs to: `None`, or the first of several.
///
/// The login server is told of it by the parameter `organization` of
/// [`Pending::begin`](super::Pending::begin), and of the address by `login_hint`.
#[derive(Debug)]
pub struct OrganizationLookup {
    api: Endpoint,
    email: String,
    parse: ParseJson,
    state: Exchange,
}

impl OrganizationLookup {
    /// Asks `api` about `email`.
    pub fn new(api: &Endpoint, email: &str, parse: ParseJson) -> Self {
        Self { api: api.clone(), email: email.to_owned(), parse, state: Exchange::Start }
    }

    fn request(&self) -> Result<Box<Request>, Error> {
        let mut body = Value::Map(Vec::new());
        body.put("email", Some(self.email.as_str()));
        Ok(Request::post(self.api.join("hub/organization-lookup")?, Body::Json(body)))
    }

    fn answered(&self, response: &Response) -> Result<Option<String>, Error> {
        const OF: &str = "organization lookup";
        // Where there is no such look-up, the login server finds the organization by itself.
        if response.status == 404 {
            return Ok(None);
        }
        let body = success(OF, response, self.parse, &[])?;
        let Some(ids) = body.field("OrganizationIds") else { return Ok(None) };
        let ids =
            ids.as_list().ok_or_else(|| Error::malformed(OF, "it has no list of ids", 200))?;
        let Some(id) = ids.first() else { return Ok(None) };
        let id = id.as_str().filter(|id| is_id(id));
        Ok(Some(id.ok_or_else(|| Error::malformed(OF, "its id is not one", 200))?.to_owned()))
    }
}

impl Flow for OrganizationLookup {
    type Output = Option<String>;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<Option<String>>, Error> {
        Exchange::step(self, |it| &mut it.state, input, |it| it.request(), Self::answered)
    }
}

/// The JSON of a success, to a request with the secrets `sent`; a failure has a `message` in it.
fn success(
    of: &'static str,
    response: &Response,
    parse: ParseJson,
    sent: &[&Secret],
) -> Result<Value, Error> {
    let status = response.status;
    let body = parse(&response.body);
    if status == 200 {
        return body.map_err(|_| Error::malformed(of, "it is not JSON", status));
    }
    let message = body.as_ref().ok().and_then(|body| body.string("message"));
    Err(Error::unavailable(response)
        .unwrap_or_else(|| Error::Server(ServerError::of_api(None, message, status, sent))))
}

/// Whether `id` stays in its place in a path, and needs no encoding there.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}
