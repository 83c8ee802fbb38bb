use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;

use astropass::{Error, is_unprintable};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::args::Api;
use crate::context::Context;
use crate::failure::{Failure, NETWORK, NOT_SIGNED_IN, OTHER};
use crate::output;

/// What is taken for a method that somebody gave without a path.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) async fn run(context: &Context<'_>, api: &Api) -> Result<ExitCode, Failure> {
    let session = context.api_session()?;
    let response = match session.send(request(api)?).await {
        Err(Error::InvalidUrl(error)) => {
            return Err(Failure::usage(format!(
                "In PATH, {error}. Give a path such as /api/v1/me; to send the token to another server, give --server URL."
            )));
        }
        response => response?,
    };
    let status = response.status();
    if context.global.json {
        let headers: Value = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), json!(value.to_str().unwrap_or(""))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let body = serde_json::from_slice(response.body())
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(response.body())));
        output::json(&json!({"status": status.as_u16(), "headers": headers, "body": body}));
    } else {
        print(response.body());
    }
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    if context.global.json {
        return Ok(ExitCode::from(exit(status)));
    }
    Err(failure(status, Context::environment_token().is_some()))
}

/// The body as it is; on a terminal without what could act on it, or hide or reorder text.
fn print(body: &[u8]) {
    let mut out = std::io::stdout().lock();
    output::wrote(if out.is_terminal() {
        // A carriage return by itself writes over the line.
        let mut text = String::from_utf8_lossy(body).replace("\r\n", "\n");
        text.retain(|c| matches!(c, '\n' | '\t') || !is_unprintable(c));
        out.write_all(text.trim_end_matches('\n').as_bytes()).and_then(|()| writeln!(out))
    } else {
        out.write_all(body).and_then(|()| out.flush())
    });
}

fn exit(status: StatusCode) -> u8 {
    match status {
        StatusCode::UNAUTHORIZED => NOT_SIGNED_IN,
        _ if status.is_server_error() => NETWORK,
        _ => OTHER,
    }
}

/// What an API server's status means for the command, which sent a token `from_environment` or the
/// session's.
pub(super) fn failure(status: StatusCode, from_environment: bool) -> Failure {
    let next = match status {
        StatusCode::UNAUTHORIZED if from_environment => {
            "The API server does not accept the token in ASTRO_ACCESS_TOKEN. Set a valid one, or unset it."
        }
        StatusCode::UNAUTHORIZED => "The API server does not accept the session. Run 'ast login'.",
        StatusCode::FORBIDDEN => "This account may not do that; see 'ast account list'.",
        _ if status.is_redirection() => "The token follows no redirect; ask there yourself.",
        StatusCode::METHOD_NOT_ALLOWED => "Check the method.",
        StatusCode::NOT_FOUND => "Check the path and --server.",
        _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            "Try again later."
        }
        _ => "Check the request.",
    };
    Failure::new(exit(status), "api_status", format!("HTTP {}. {next}", status.as_u16()))
}

fn request(api: &Api) -> Result<http::Request<Vec<u8>>, Failure> {
    let (method, path) = match api.request.as_slice() {
        [path] => (None, path),
        [method, path] => (Some(method), path),
        _ => return Err(Failure::usage("Give a path, or a method and a path.")),
    };
    check_order(method, path)?;
    let method = match method {
        Some(method) => {
            Method::from_bytes(method.to_ascii_uppercase().as_bytes()).map_err(|_| {
                let failure = Failure::usage(format!("{method:?} is no HTTP method."));
                failure.advise("Give one such as GET or POST.")
            })?
        }
        None if api.data.is_some() => Method::POST,
        None => Method::GET,
    };
    let body = body(api, &method)?;
    let mut builder = http::Request::builder().method(method).uri(path.as_str());
    let mut has_type = false;
    for header in &api.headers {
        let (name, value) = header
            .split_once(':')
            // It may be a secret without its name.
            .ok_or_else(|| Failure::usage("A header has no colon; give -H 'NAME: VALUE'."))?;
        let invalid = |_| {
            let failure = Failure::usage(format!("The header {:?} cannot be sent.", name.trim()));
            failure.advise("A name has letters, digits and '-', and a value is visible ASCII.")
        };
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| invalid(()))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| invalid(()))?;
        if name == http::header::AUTHORIZATION {
            return Err(Failure::usage(
                "'ast api' sends the session's own Authorization; to send another token, set ASTRO_ACCESS_TOKEN.",
            ));
        }
        has_type |= name == http::header::CONTENT_TYPE;
        builder = builder.header(name, value);
    }
    if !body.is_empty() && !has_type {
        builder = builder.header(http::header::CONTENT_TYPE, "application/json");
    }
    builder.body(body).map_err(|_| {
        let failure = Failure::usage(format!("{path:?} has characters that no URL has."));
        failure.advise("Encode them, as %20 for a blank.")
    })
}

/// A method without its path, or behind it, would pass for a path.
fn check_order(method: Option<&String>, path: &str) -> Result<(), Failure> {
    let is_place = |text: &str| text.starts_with('/') || text.contains("://");
    let (wrong, next) = match method {
        _ if is_place(path) => return Ok(()),
        Some(method) if is_place(method) => {
            let wrong = "The method goes before the path.".to_owned();
            (wrong, "Give one after the other, such as GET /api/v1/me.".to_owned())
        }
        None if METHODS.iter().any(|method| path.eq_ignore_ascii_case(method)) => (
            format!("{path} is a method, and there is no path."),
            format!("Give both, such as {path} /api/v1/me."),
        ),
        _ => (
            format!("{path:?} is no path: it does not begin with '/'."),
            "Give one such as /api/v1/me.".to_owned(),
        ),
    };
    Err(Failure::usage(wrong).advise(next))
}

fn body(api: &Api, method: &Method) -> Result<Vec<u8>, Failure> {
    let stdin = || {
        let mut body = Vec::new();
        std::io::stdin().lock().read_to_end(&mut body).map(|_| body)
    };
    let read = match api.data.as_deref() {
        Some("-") => stdin(),
        Some(data) => match data.strip_prefix('@') {
            Some(file) => std::fs::read(file),
            None => Ok(data.as_bytes().to_vec()),
        },
        None if [Method::POST, Method::PUT, Method::PATCH].contains(method)
            && !std::io::stdin().is_terminal() =>
        {
            stdin()
        }
        None => Ok(Vec::new()),
    };
    read.map_err(|error| {
        let place = match api.data.as_deref() {
            Some(file) if file.starts_with('@') => format!(" from {file:?}"),
            _ => String::new(),
        };
        Failure::usage(format!("The body cannot be read{place}: {error}."))
    })
}
