//! Proxies, certificates, the API server, and the servers' clock.

use std::path::PathBuf;
use std::time::Duration;

use astropass::diagnose::{self, Reached};
use astropass::{Endpoint, Error, HttpErrorKind, printable};

use super::check::{Check, see_above};
use super::{PATIENCE, Subject, on_thread};
use crate::context::env;
use crate::failure::Failure;

/// A clock that is right to this is right enough: the `Date` of an answer has whole seconds, and
/// the answer was under way.
const RIGHT: i64 = 60;

/// A server that was looked at.
pub(super) struct Server {
    pub(super) check: Check,
    /// Seconds, if it answered
    pub(super) clock_ahead: Option<i64>,
}

impl From<Check> for Server {
    fn from(check: Check) -> Self {
        Self { check, clock_ahead: None }
    }
}

pub(super) fn proxies() -> Vec<Check> {
    let name = "Proxy";
    let proxies = diagnose::proxies().into_iter();
    let checks = proxies.map(|diagnose::ProxyVariable { name: variable, value }| match value {
        Some(value) => Check::ok(name, format!("{variable} is {}", printable(&value)))
            .fact("variable", variable),
        None => Check::warning(
            name,
            format!("{variable} is set, and does not name a proxy"),
            "Give it as http://HOST:PORT, or unset it.",
        )
        .fact("variable", variable),
    });
    let checks: Vec<_> = checks.collect();
    if checks.is_empty() { vec![Check::ok(name, "none in the environment")] } else { checks }
}

pub(super) async fn certificates(subject: &Subject) -> Check {
    let (name, ca_file) = ("Certificates", ca_file(subject));
    let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    let set = |variable| env(variable).map(|path| format!("of {variable}, {path}"));
    let set: Vec<_> = variables.into_iter().filter_map(set).collect();
    let mut message = match set.is_empty() {
        true => "those of the system".to_owned(),
        false => format!("those {}", set.join(", and ")),
    };
    if let Some(path) = &ca_file {
        message.push_str(&format!(", and those of the profile's {}", path.display()));
    }
    match on_thread(|| diagnose::check_authorities(ca_file)).await {
        Some(Ok(())) => Check::ok(name, message),
        Some(Err(error)) => Check::failure(name, error),
        None => Check::hung(name, "the certificates").and(&format!(": {message}")),
    }
}

pub(super) fn ca_file(subject: &Subject) -> Option<PathBuf> {
    subject.profile()?.ca_file.clone()
}

pub(super) async fn server(subject: &Subject) -> Server {
    let name = "API server";
    let url = match (&subject.server, &subject.meant) {
        (Some(url), _) => url,
        (None, Err(unknown)) => return Check::unknown(name, *unknown).into(),
        (None, Ok(_)) => return Check::ok(name, "none is known yet; a login names it").into(),
    };
    let (check, clock_ahead) = match diagnose::reach(url, ca_file(subject), PATIENCE).await {
        Ok(reached) => (Check::ok(name, answered(url, &reached)), reached.clock_ahead),
        Err(error) => (unreachable(name, url, error), None),
    };
    Server { check: check.fact("server", format!("{url:?}")), clock_ahead }
}

/// What did not answer, or not well.
pub(super) fn unreachable(name: &'static str, url: &Endpoint, error: Error) -> Check {
    let is_proxied = url.is_https() && !diagnose::proxies().is_empty();
    let may_be_the_proxy = match &error {
        Error::Http(error) => is_proxied && error.kind != HttpErrorKind::Certificate,
        _ => false,
    };
    let mut failure = Failure::from(error);
    if may_be_the_proxy {
        failure = failure.advise("Check the proxy above, the network and the URL, then try again.");
    }
    Check::failure(name, failure).about(url)
}

/// A URL's `Debug` leaves out its query.
pub(super) fn answered(url: &Endpoint, reached: &Reached) -> String {
    let how = if url.is_https() { "over TLS" } else { "without TLS, on this machine" };
    format!("{url:?} answers in {} ms {how}", reached.took.as_millis())
}

/// What the answers say of the local clock.
pub(super) fn clock(ahead: [Option<i64>; 2]) -> Check {
    let name = "Clock";
    let Some(ahead) = ahead.into_iter().flatten().max_by_key(|ahead| ahead.abs()) else {
        return Check::warning(
            name,
            "not compared: no server told the time",
            see_above("Provider"),
        );
    };
    let span = humantime::format_duration(Duration::from_secs(ahead.unsigned_abs()));
    let message = match ahead {
        0 => "the same as the servers'".to_owned(),
        1.. => format!("{span} ahead of the servers'"),
        _ => format!("{span} behind the servers'"),
    };
    let check = if ahead.abs() <= RIGHT {
        Check::ok(name, message)
    } else {
        Check::warning(name, message, "Set it. Sessions bear it, certificates may not.")
    };
    check.fact("seconds_ahead", ahead)
}
