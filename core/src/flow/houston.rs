//! Astronomer Software: what Houston, its GraphQL API, is asked.

use super::{Action, Exchange, Flow, Input};
use crate::wire::{ParseJson, Value};
use crate::{
    Body, Endpoint, Error, Grant, Instant, Named, Request, Response, Secret, ServerError, User, jwt,
};

/// One GraphQL document that Houston is asked, with what it answers as `T`.
#[derive(Debug)]
pub struct Houston<T> {
    houston: Endpoint,
    document: &'static str,
    variables: Value,
    password: Option<Secret>,
    access_token: Option<Secret>,
    read: Read<T>,
    parse: ParseJson,
    state: Exchange,
}

/// Reads the `data` of a response, which also has the server's time, or says what is wrong with it.
type Read<T> = fn(&mut Value, &Response, ParseJson) -> Result<T, &'static str>;

/// The ways to sign in at an installation of Astronomer Software.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginMethods {
    /// Whether users have passwords there.
    pub local_enabled: bool,
    /// The names of the providers by which a browser signs in, to show; none, and there is no
    /// token to be had from a page.
    ///
    /// They come from the server: pass them through [`printable`](crate::printable) first.
    pub providers: Vec<String>,
}

const OF: &str = "GraphQL response";

impl Houston<LoginMethods> {
    /// How users sign in at the installation whose Houston is at `houston`.
    pub fn auth_config(houston: &Endpoint, parse: ParseJson) -> Self {
        const DOCUMENT: &str = "query GetAuthConfig($redirect:String){\
            authConfig(redirect:$redirect){localEnabled publicSignup initialSignup \
            providers{name displayName url}}}";
        Self::new(houston, DOCUMENT, login_methods, parse)
    }
}

impl Houston<Box<Grant>> {
    /// Signs in with a password. The token lives until its own `exp`, if it names one, by the
    /// server's clock; it cannot be refreshed.
    pub fn create_token(
        houston: &Endpoint,
        identity: &str,
        password: Secret,
        parse: ParseJson,
    ) -> Self {
        const DOCUMENT: &str = "mutation createBasicToken($identity:String,$password:String!){\
            createToken(identity:$identity,password:$password){\
            user{id fullName username status createdAt updatedAt} token{value}}}";
        let mut flow = Self::new(houston, DOCUMENT, grant, parse);
        flow.variables.put("identity", Some(identity));
        flow.variables.put("password", Some(password.expose_secret()));
        flow.password = Some(password);
        flow
    }
}

impl Houston<Vec<Named>> {
    /// The workspaces that the holder of `access_token` may see.
    ///
    /// A token that is not accepted any more is [`Error::SessionOver`]: no other can be had for it.
    pub fn workspaces(houston: &Endpoint, access_token: Secret, parse: ParseJson) -> Self {
        const DOCUMENT: &str = "query GetWorkspaces{workspaces{id label}}";
        let mut flow = Self::new(houston, DOCUMENT, workspaces, parse);
        flow.access_token = Some(access_token);
        flow
    }
}

impl<T> Houston<T> {
    fn new(houston: &Endpoint, document: &'static str, read: Read<T>, parse: ParseJson) -> Self {
        Self {
            houston: houston.clone(),
            document,
            variables: Value::Map(Vec::new()),
            password: None,
            access_token: None,
            read,
            parse,
            state: Exchange::Start,
        }
    }

    pub(super) fn request(&self) -> Box<Request> {
        let mut body = Value::Map(Vec::new());
        body.put("query", Some(self.document));
        body.put("variables", Some(self.variables.clone()));
        let mut request = Request::post(self.houston.clone(), Body::Json(body));
        // Houston takes it without `Bearer`.
        request.authorization = self.access_token.clone();
        request
    }

    pub(super) fn answered(&self, response: &Response) -> Result<T, Error> {
        let malformed = |problem| Error::malformed(OF, problem, response.status);
        if let Some(error) = Error::unavailable(response) {
            return Err(error);
        }
        let body = (self.parse)(&response.body);
        if let Some(error) = self.refusal(body.as_ref().ok(), response.status) {
            return Err(match self.access_token {
                Some(_) if refuses_token(&error) => Error::SessionOver(Some(error)),
                _ => Error::Server(error),
            });
        }
        let mut body = body.map_err(|_| malformed("it is not JSON"))?;
        let data = body.field_mut("data").ok_or_else(|| malformed("it has no data"))?;
        (self.read)(data, response, self.parse).map_err(malformed)
    }

    /// The first of a response's `errors`, which come with HTTP 200 too.
    fn refusal(&self, body: Option<&Value>, status: u16) -> Option<Box<ServerError>> {
        let errors = body.and_then(|body| body.field("errors")).and_then(Value::as_list);
        let error = errors.and_then(<[Value]>::first);
        if status == 200 && error.is_none() {
            return None;
        }
        let code = error.and_then(|error| error.field("extensions")?.string("code"));
        let message = error.and_then(|error| error.string("message"));
        let sent: Vec<&Secret> = self.password.iter().chain(&self.access_token).collect();
        // A short password is found in ordinary words, and to cut it out of them would tell it.
        let quotes = |text: &&str| {
            sent.iter()
                .map(|secret| secret.expose_secret())
                .any(|secret| (1..8).contains(&secret.len()) && text.contains(secret))
        };
        let (code, message) = (code.filter(|c| !quotes(c)), message.filter(|m| !quotes(m)));
        let code = code.or((status == 200).then_some("graphql_error"));
        Some(ServerError::of_api(code, message, status, &sent))
    }
}

/// Whether `error` says that the token is not accepted, or not any more. Houston says the last two
/// of a token that has expired.
fn refuses_token(error: &ServerError) -> bool {
    error.status == 401
        || error.code == "UNAUTHENTICATED"
        || matches!(
            error.description.as_deref(),
            Some(
                "AUTH_TOKEN_REFRESH_FAILED"
                    | "You do not have the appropriate permissions for that"
            )
        )
}

fn login_methods(
    data: &mut Value,
    _: &Response,
    _: ParseJson,
) -> Result<LoginMethods, &'static str> {
    let config = data.field("authConfig").ok_or("it has no authConfig")?;
    let providers = config.field("providers").and_then(Value::as_list).unwrap_or_default();
    let name = |provider: &Value| {
        let name = provider.string("displayName").or_else(|| provider.string("name"));
        name.unwrap_or_default().to_owned()
    };
    Ok(LoginMethods {
        local_enabled: config.field("localEnabled") == Some(&Value::Bool(true)),
        providers: providers.iter().map(name).collect(),
    })
}

fn grant(
    data: &mut Value,
    response: &Response,
    parse: ParseJson,
) -> Result<Box<Grant>, &'static str> {
    const NO_TOKEN: &str = "it has no token";
    let created = data.field_mut("createToken").ok_or(NO_TOKEN)?;
    let token = created.field_mut("token").and_then(|token| token.take_string("value"));
    let token = token.filter(|token| !token.is_empty()).ok_or(NO_TOKEN)?;
    let claims = jwt::claims(&token, parse);
    let lifetime = claims.and_then(|claims| jwt::time_left(&claims, response));
    if lifetime == Some(0) {
        return Err("its token has already expired");
    }
    let user = created.field("user").and_then(|user| {
        let text = |name| user.string(name).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(User { id: text("id")?, email: text("username"), name: text("fullName") })
    });
    Ok(Box::new(Grant {
        access_token: Secret::token(token)
            .ok_or("its token has characters that a token cannot have")?,
        refresh_token: None,
        lifetime,
        subject: user.as_ref().map(|user| user.id.clone()),
        organization: None,
        user,
    }))
}

fn workspaces(data: &mut Value, _: &Response, _: ParseJson) -> Result<Vec<Named>, &'static str> {
    let list = data.field("workspaces").and_then(Value::as_list).ok_or("it has no workspaces")?;
    let read = |workspace| Named::read(workspace, "label").ok_or("a workspace has no id");
    list.iter().map(read).collect()
}

impl<T> Flow for Houston<T> {
    type Output = T;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<T>, Error> {
        Exchange::step(self, |it| &mut it.state, input, |it| Ok(it.request()), Self::answered)
    }
}
