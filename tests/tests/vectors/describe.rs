//! What a machine wants and gives, as the values that vectors expect.

use std::time::Duration;

use astropass_core::flow::Prompt;
use astropass_core::flow::astro::{LoginServer, Membership};
use astropass_core::flow::houston::LoginMethods;
use astropass_core::wire::Value;
use astropass_core::{Body, Endpoints, Error, Grant, Instant, Named, Request, ServerError, User};

use super::json;

pub(crate) fn millis(instant: Instant, start: Instant) -> Value {
    millis_of(instant.since(start))
}

fn millis_of(duration: Duration) -> Value {
    (duration.as_millis() as u64).into()
}

pub(crate) fn seconds(duration: Duration) -> Value {
    Value::Number(duration.as_secs_f64())
}

pub(crate) fn request(request: &Request) -> Value {
    let (form, json) = match &request.body {
        Body::Empty => (None, None),
        Body::Form(form) => (Some(json::form(form.expose_secret())), None),
        Body::Json(value) => (None, Some(value.clone())),
        Body::Raw(_) => (None, Some("raw".into())),
    };
    Value::map([
        ("method", Some(request.method.as_str().into())),
        ("url", Some(request.endpoint.as_str().into())),
        ("form", form),
        ("json", json),
        ("authorization", request.authorization.as_ref().map(|field| field.expose_secret().into())),
        ("timeout", Some(seconds(request.timeout))),
    ])
}

pub(crate) fn prompt(prompt: &Prompt, start: Instant) -> Value {
    let complete = prompt.verification_uri_complete.as_ref();
    Value::map([
        ("user_code", Some(prompt.user_code.as_str().into())),
        ("verification_uri", Some(prompt.verification_uri.as_str().into())),
        ("verification_uri_complete", complete.map(|endpoint| endpoint.as_str().into())),
        ("expires_at", Some(millis(prompt.expires_at, start))),
        ("expires_in", Some(seconds(prompt.expires_in))),
        ("interval", Some(seconds(prompt.interval))),
    ])
}

pub(crate) fn grant(grant: &Grant) -> Value {
    Value::map([
        ("access_token", Some(grant.access_token.expose_secret().into())),
        ("refresh_token", grant.refresh_token.as_ref().map(|token| token.expose_secret().into())),
        ("lifetime", grant.lifetime.map(Value::from)),
        ("subject", grant.subject.as_deref().map(Value::from)),
        ("organization", grant.organization.as_deref().map(Value::from)),
        ("user", grant.user.as_ref().map(user)),
    ])
}

pub(crate) fn user(user: &User) -> Value {
    Value::map([
        ("id", Some(user.id.as_str().into())),
        ("email", user.email.as_deref().map(Value::from)),
        ("name", user.name.as_deref().map(Value::from)),
    ])
}

pub(crate) fn endpoints(endpoints: &Endpoints) -> Value {
    endpoints.to_value()
}

/// With the provider that it makes.
pub(crate) fn login_server(server: &LoginServer) -> Value {
    Value::map([
        ("client_id", Some(server.client_id.as_str().into())),
        ("audience", Some(server.audience.as_str().into())),
        ("login", Some(server.login.as_str().into())),
        ("organization_first", Some(server.organization_first.into())),
        ("provider", server.provider().ok().map(|provider| provider.to_value())),
    ])
}

pub(crate) fn membership(membership: &Membership) -> Value {
    Value::map([
        ("user", Some(user(&membership.user))),
        ("organization", membership.organization.as_ref().map(named)),
        ("workspaces", Some(workspaces(&membership.workspaces))),
    ])
}

pub(crate) fn workspaces(workspaces: &[Named]) -> Value {
    Value::List(workspaces.iter().map(named).collect())
}

fn named(it: &Named) -> Value {
    Value::map([("id", Some(it.id.as_str().into())), ("name", Some(it.name.as_str().into()))])
}

pub(crate) fn login_methods(methods: &LoginMethods) -> Value {
    let providers = methods.providers.iter().map(|name| name.as_str().into()).collect();
    Value::map([
        ("local_enabled", Some(methods.local_enabled.into())),
        ("providers", Some(Value::List(providers))),
    ])
}

pub(crate) fn error(error: &Error) -> Value {
    let status = |status: u32| Some(Value::Number(status.into()));
    let code = ("code", Some(error.code().into()));
    match error {
        Error::Server(server) => Value::map([code, ("server", Some(server_error(server)))]),
        Error::SessionOver(server) | Error::AccessDenied(server) => {
            Value::map([code, ("server", server.as_deref().map(server_error))])
        }
        Error::Unavailable { status: number, retry_after } => Value::map([
            code,
            ("status", status(*number)),
            ("retry_after", (*retry_after > 0).then(|| u64::from(*retry_after).into())),
        ]),
        Error::MalformedResponse(error) => Value::map([
            code,
            ("of", Some(error.of.into())),
            ("problem", Some(error.problem.into())),
            ("status", status(error.status.into())),
        ]),
        Error::IssuerMismatch(error) => Value::map([
            code,
            ("expected", Some(error.expected.as_str().into())),
            ("found", Some(error.found.as_str().into())),
        ]),
        Error::InvalidIdToken(problem) | Error::InvalidCallback(problem) => {
            Value::map([code, ("problem", Some((*problem).into()))])
        }
        Error::MissingEndpoint(name) => Value::map([code, ("endpoint", Some((*name).into()))]),
        _ => Value::map([code]),
    }
}

fn server_error(error: &ServerError) -> Value {
    Value::map([
        ("code", Some(error.code.as_str().into())),
        ("description", error.description.as_deref().map(Value::from)),
        ("status", Some(Value::Number(error.status.into()))),
    ])
}
