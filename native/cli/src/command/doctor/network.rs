//! Proxies, certificates, the provider, the API server, and their clock.

use std::path::PathBuf;
use std::time::Duration;

use astropass::diagnose::{self, Reached};
use astropass::{Dialect, Domain, Endpoint, Endpoints, Error, HttpErrorKind, discover, printable};

use super::check::Check;
use super::{PATIENCE, Subject, on_thread};
use crate::command::provider::WORKOS;
use crate::context::{env, url_of};
use crate::failure::{Failure, NETWORK, login_to};
use crate::program::Program;

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
        None => Check::hung(name, "the file of certificates"),
    }
}

fn ca_file(subject: &Subject) -> Option<PathBuf> {
    subject.profile.as_ref()?.ca_file.clone()
}

/// The provider of the profile, or else the one that a login without options would use.
pub(super) async fn provider(subject: &Subject) -> Server {
    let name = "Provider";
    let (issuer, url, is_standard) = match issuer(subject) {
        Ok(found) => found,
        Err(failure) => return Check::failure(name, failure).into(),
    };
    let discovery = async {
        let look = discover(&issuer, ca_file(subject));
        if is_standard { Some(tokio::time::timeout(PATIENCE, look).await) } else { None }
    };
    let (reached, found) =
        tokio::join!(diagnose::reach(&url, ca_file(subject), PATIENCE), discovery);
    let reached = match reached {
        Ok(reached) => reached,
        Err(error) => return unreachable(name, &url, error).into(),
    };
    let message = answered(&url, &reached);
    let check = match found {
        None => Check::ok(name, message),
        Some(Ok(Ok(found))) => discovered(name, &message, subject, &found),
        Some(Ok(Err(error))) if has_no_metadata(&error) && is_by_hand(subject) => {
            Check::ok(name, format!("{message}; no metadata, and its endpoints were set by hand"))
        }
        Some(Ok(Err(error))) => unreachable(name, &url, error),
        Some(Err(_)) => {
            let message = format!("no metadata came from {url:?} in time");
            let failure = Failure::new(NETWORK, "network", message);
            Check::failure(name, failure).next("Check the network and the URL, then try again.")
        }
    };
    Server { check: check.fact("issuer", format!("{url:?}")), clock_ahead: reached.clock_ahead }
}

/// Where it is, and whether it has metadata to look for.
fn issuer(subject: &Subject) -> Result<(String, Endpoint, bool), Failure> {
    let (issuer, from, is_standard) = match subject
        .profile
        .as_ref()
        .and_then(|p| p.provider.as_ref())
    {
        Some(provider) => {
            (provider.issuer.clone(), "the profile", provider.dialect == Dialect::Standard)
        }
        None if Program::running() == Program::Astro => {
            let domain = Domain::parse_override(&subject.name);
            let api = domain.ok().and_then(|domain| domain.api().ok());
            (api.map_or_else(|| subject.name.clone(), |api| api.to_string()), "the domain", false)
        }
        None => match env("ASTRO_ISSUER") {
            Some(issuer) => (issuer, "ASTRO_ISSUER", true),
            None => (WORKOS.to_owned(), "the default", false),
        },
    };
    let url = url_of(from, &issuer)?;
    Ok((issuer, url, is_standard))
}

/// What is at the issuer, beside what the profile remembers of it.
fn discovered(name: &'static str, answered: &str, subject: &Subject, found: &Endpoints) -> Check {
    let message = format!("{answered}; its issuer matches");
    let profile = subject.profile.as_ref();
    let remembered = profile.and_then(|profile| Some((profile, profile.provider.as_ref()?)));
    let changed = remembered.is_some_and(|(profile, provider)| {
        let mut current = profile.endpoints.clone();
        current.fill_gaps(found.clone());
        current.token != provider.endpoints.token
            || current.revocation != provider.endpoints.revocation
    });
    if changed {
        let next = format!("Run {} to take the new ones over.", login_to(&subject.name));
        return Check::warning(name, format!("{message}, and other endpoints than before"), next);
    }
    Check::ok(name, message)
}

fn has_no_metadata(error: &Error) -> bool {
    matches!(error, Error::Server(_) | Error::MalformedResponse(_))
}

fn is_by_hand(subject: &Subject) -> bool {
    subject.profile.as_ref().is_some_and(|profile| profile.endpoints.token.is_some())
}

pub(super) async fn server(subject: &Subject) -> Server {
    let name = "API server";
    let Some(url) = &subject.server else {
        return Check::ok(name, "none is known yet; a login names it").into();
    };
    match diagnose::reach(url, ca_file(subject), PATIENCE).await {
        Ok(reached) => Server {
            check: Check::ok(name, answered(url, &reached)),
            clock_ahead: reached.clock_ahead,
        },
        Err(error) => unreachable(name, url, error).into(),
    }
}

fn unreachable(name: &'static str, url: &Endpoint, error: Error) -> Check {
    let is_proxied = url.is_https() && !diagnose::proxies().is_empty();
    let may_be_the_proxy = match &error {
        Error::Http(error) => is_proxied && error.kind != HttpErrorKind::Certificate,
        _ => false,
    };
    let check = Check::failure(name, error).about(url);
    if may_be_the_proxy {
        return check.next("Check the proxy above, the network and the URL, then try again.");
    }
    check
}

/// A URL's `Debug` leaves out its query.
fn answered(url: &Endpoint, reached: &Reached) -> String {
    let how = if url.is_https() { "over TLS" } else { "without TLS, on this machine" };
    format!("{url:?} answers in {} ms {how}", reached.took.as_millis())
}

/// What the answers say of the local clock.
pub(super) fn clock(ahead: [Option<i64>; 2]) -> Check {
    let name = "Clock";
    let Some(ahead) = ahead.into_iter().flatten().max_by_key(|ahead| ahead.abs()) else {
        return Check::warning(name, "not compared: no server told the time", "See above.");
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
