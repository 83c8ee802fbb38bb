//! The provider: whether it answers, and is still the one that the profile knows.

use astropass::diagnose::{self, Reached};
use astropass::{
    Dialect, Endpoint, Endpoints, Error, HttpError, HttpErrorKind, LoginMethods, Provider, System,
    discover, login_methods, login_server,
};

use super::check::{Check, Unknown};
use super::network::{Server, answered, ca_file, unreachable};
use super::{PATIENCE, Subject};
use crate::command::provider::{WORKOS, has_no_metadata};
use crate::context::issuer_of_environment;
use crate::failure::{Failure, login_to};
use crate::program::Program;

const NAME: &str = "Provider";

/// The provider of the profile, or else the one that a login without options would use.
pub(super) async fn look(subject: &Subject) -> Server {
    match Program::running() {
        Program::Ast => of_profile(subject).await,
        Program::Astro => of_domain(subject).await,
    }
}

async fn of_profile(subject: &Subject) -> Server {
    let named = issuer_of_environment();
    if let Some((profile, provider)) = remembered(subject) {
        let next = format!("Run {} with the right one.", login_to(profile));
        let is_standard = provider.dialect == Dialect::Standard;
        let mut server = at(subject, &provider.issuer, is_standard, next).await;
        if named.is_ok_and(|named| named.is_some_and(|named| named != provider.issuer)) {
            server.check = server.check.and("; ASTRO_ISSUER names another one for the next login");
        }
        return server;
    }
    let unknown = match (named, &subject.meant) {
        (Ok(Some(issuer)), _) => return at(subject, &issuer, true, String::new()).await,
        (Err(_), _) => Unknown { why: "ASTRO_ISSUER cannot be used", see: "Environment" },
        (Ok(None), Err(unknown)) => *unknown,
        (Ok(None), Ok(meant)) if meant.stored.as_ref().is_some_and(|it| it.identity.is_some()) => {
            Unknown { why: "it is of a kind that this program does not know", see: "Session" }
        }
        (Ok(None), Ok(_)) => return of_nobody(subject).await,
    };
    Check::unknown(NAME, unknown).into()
}

/// The provider `issuer`; what to do `next` where that is no URL.
async fn at(subject: &Subject, issuer: &str, is_standard: bool, next: String) -> Server {
    let url = match Endpoint::parse(issuer) {
        Ok(url) => url,
        Err(error) => return Check::failure(NAME, Failure::from(error).advise(next)).into(),
    };
    let discovery = async {
        if is_standard { Some(in_time(discover(issuer, ca_file(subject))).await) } else { None }
    };
    let (reached, found) = tokio::join!(reach(subject, &url), discovery);
    seen(&url, reached, |answered| match found {
        None => Check::ok(NAME, answered),
        Some(Ok(found)) => {
            let by_hand = subject.profile().map(|profile| profile.endpoints.clone());
            let mut current = by_hand.unwrap_or_default();
            current.fill_gaps(found);
            compared(subject, format!("{answered}; its issuer matches"), issuer, &current)
        }
        Some(Err(error)) if has_no_metadata(&error) && is_by_hand(subject) => {
            Check::ok(NAME, format!("{answered}; no metadata, and its endpoints were set by hand"))
        }
        Some(Err(error)) => unreachable(NAME, &url, error),
    })
}

/// The one that a login would use that names none: only that login can tell whether it is meant.
async fn of_nobody(subject: &Subject) -> Server {
    let url = match Endpoint::parse(WORKOS) {
        Ok(url) => url,
        Err(error) => return Check::failure(NAME, error).into(),
    };
    match reach(subject, &url).await {
        Err(error) => Check::warning(
            NAME,
            format!("{url:?}, where a login goes that names no other: {error}"),
            "If it is the right one, check the network. Else give --issuer or --workos-url at the login.",
        )
        .into(),
        reached => seen(&url, reached, |answered| {
            Check::ok(NAME, format!("{answered}; a login that names no other goes there"))
        }),
    }
}

async fn of_domain(subject: &Subject) -> Server {
    let domain = match (&subject.domain, &subject.meant) {
        (Some(domain), _) => domain,
        (None, Err(unknown)) => return Check::unknown(NAME, *unknown).into(),
        (None, Ok(_)) => {
            let unknown = Unknown { why: "no domain is", see: "Environment" };
            return Check::unknown(NAME, unknown).into();
        }
    };
    match (domain.api(), domain.system()) {
        (Ok(api), System::Cloud) => cloud(subject, &api).await,
        (Ok(houston), System::Software) => software(subject, &houston).await,
        (Err(error), _) => Check::failure(NAME, error).into(),
    }
}

/// The login server that the cloud's API names, or else the one that the profile remembers.
async fn cloud(subject: &Subject, api: &Endpoint) -> Server {
    let found = in_time(login_server(api, ca_file(subject))).await;
    let found = found.and_then(|found| Ok((found.provider()?, found.login)));
    let known = remembered(subject).and_then(|(_, known)| Endpoint::parse(&known.issuer).ok());
    let (login, found) = match (found, known) {
        (Ok((now, login)), _) => (login, Ok(now)),
        (Err(error), Some(login)) => (login, Err(error)),
        (Err(error), None) => return unreachable(NAME, api, error).into(),
    };
    let reached = reach(subject, &login).await;
    seen(&login, reached, |answered| match found {
        Ok(now) => {
            let message = format!("{answered}; the domain's API names it");
            compared(subject, message, &now.issuer, &now.endpoints)
        }
        Err(error) => unreachable(NAME, api, error),
    })
}

/// Houston, which says how its users sign in.
async fn software(subject: &Subject, houston: &Endpoint) -> Server {
    let methods = in_time(login_methods(houston, ca_file(subject)));
    let (reached, methods) = tokio::join!(reach(subject, houston), methods);
    seen(houston, reached, |answered| {
        let LoginMethods { local_enabled, providers } = match methods {
            Ok(methods) => methods,
            Err(error) => return unreachable(NAME, houston, error),
        };
        let way = match (local_enabled, providers.is_empty()) {
            (true, true) => "with a password",
            (true, false) => "with a password, or with a token of its token page",
            (false, false) => "with a token of its token page",
            (false, true) => {
                let message = format!("{answered}, and has no way to sign in");
                return Check::warning(NAME, message, "Ask who administers it.");
            }
        };
        Check::ok(NAME, format!("{answered}; users sign in {way}"))
    })
}

/// What a server that was reached comes to.
fn seen(
    url: &Endpoint,
    reached: Result<Reached, Error>,
    check: impl FnOnce(String) -> Check,
) -> Server {
    let (check, clock_ahead) = match reached {
        Ok(reached) => (check(answered(url, &reached)), reached.clock_ahead),
        Err(error) => (unreachable(NAME, url, error), None),
    };
    Server { check: check.fact("issuer", format!("{url:?}")), clock_ahead }
}

/// Says `message` of what is there now, and whether the profile remembers something else.
fn compared(subject: &Subject, message: String, issuer: &str, now: &Endpoints) -> Check {
    let changed = remembered(subject).filter(|(_, known)| {
        known.issuer != issuer
            || known.endpoints.token != now.token
            || known.endpoints.revocation != now.revocation
    });
    if let Some((profile, _)) = changed {
        let next = format!("Run {} to take the new ones over.", login_to(profile));
        return Check::warning(NAME, format!("{message}, and other endpoints than before"), next);
    }
    Check::ok(NAME, message)
}

/// The profile's name, and the provider that it remembers.
fn remembered(subject: &Subject) -> Option<(&str, &Provider)> {
    let profile = subject.profile()?;
    Some((&profile.name, profile.provider.as_ref()?))
}

fn is_by_hand(subject: &Subject) -> bool {
    subject.profile().is_some_and(|profile| profile.endpoints.token.is_some())
}

async fn reach(subject: &Subject, url: &Endpoint) -> Result<Reached, Error> {
    diagnose::reach(url, ca_file(subject), PATIENCE).await
}

async fn in_time<T>(look: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || HttpError { kind: HttpErrorKind::Timeout, detail: String::new() };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| Err(late().into()))
}
