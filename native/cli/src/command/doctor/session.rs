//! The profile's session, without whose it is.

use std::sync::Arc;

use astropass::{Credentials, Error, Freshness, Session};
use tokio::time::error::Elapsed;

use super::check::{Check, Unknown, see_above};
use super::store::State;
use super::{Meant, PATIENCE, Subject};
use crate::failure::{Failure, NOT_SIGNED_IN, login_to};
use crate::output;
use crate::program::Program;

const NAME: &str = "Session";

/// Whose store gives what; the inner one is the library's answer, the outer one that it never came.
pub(super) type Read<'a> =
    Result<(&'a Meant, Result<Result<Arc<Credentials>, Error>, Elapsed>), Unknown>;

/// Reads the session as a command would, but asks nobody and refreshes nothing.
pub(super) async fn read(subject: &Subject) -> Read<'_> {
    let meant = subject.meant.as_ref().map_err(|unknown| *unknown)?;
    let builder = Session::builder().home(meant.home.clone()).profile(&meant.name);
    let read = async { builder.build()?.credentials().await };
    Ok((meant, tokio::time::timeout(PATIENCE, read).await))
}

pub(super) fn check(read: Read<'_>, keyring: &State) -> Check {
    let (Meant { name, .. }, read) = match read {
        Ok(read) => read,
        Err(unknown) => return Check::unknown(NAME, unknown),
    };
    let check = match read {
        Ok(Ok(credentials)) => words(name, &credentials),
        Ok(Err(Error::NotSignedIn)) => Check::warning(
            NAME,
            format!("nobody is signed in to {} {name:?}", Program::running().noun()),
            format!("Run {}.", login_to(name)),
        )
        .fact("signed_in", false),
        // The keyring's own line says the same, and what to do.
        Ok(Err(Error::Store(error)))
            if keyring.as_ref().is_err_and(|known| known.code() == error.code()) =>
        {
            Check::warning(NAME, "not known, because of the keyring", see_above("Keyring"))
        }
        Ok(Err(error)) => Check::failure(NAME, Failure::from(error).of_profile(name)),
        Err(_) => Check::hung(NAME, "the store"),
    };
    check.fact("profile", name.as_str())
}

fn words(profile: &str, credentials: &Arc<Credentials>) -> Check {
    let now = output::now();
    let can_refresh = credentials.refresh_token.is_some();
    let freshness = credentials.freshness(now);
    let expires = credentials.expires_at().map(output::relative);
    let expiry = match (freshness, &expires) {
        (_, None) => "the token expires when the server says so".to_owned(),
        (Freshness::Expired, Some(ago)) => format!("the token expired {ago}"),
        (_, Some(within)) => format!("the token expires {within}"),
    };
    let user = credentials.user.as_ref().and_then(|user| user.email.as_deref()).map(masked);
    let who = user.as_ref().map_or_else(String::new, |user| format!(" as {user}"));
    let organization =
        if credentials.identity.organization.is_some() { ", in an organization" } else { "" };
    let refresh = if can_refresh { "can be refreshed" } else { "cannot be refreshed" };
    let message = format!("{profile}: signed in{who}{organization}; {expiry}, and {refresh}");
    let check = if credentials.received_at.since(now) > 0 {
        let next = "Set the clock. The next command refreshes the token.";
        Check::warning(NAME, format!("{message}; it came in the future"), next)
    } else if can_refresh || expires.is_none() {
        Check::ok(NAME, message)
    } else if freshness == Freshness::Expired {
        let failure = Failure::new(NOT_SIGNED_IN, "session_over", message);
        Check::failure(NAME, failure.advise(format!("Run {}.", login_to(profile))))
    } else {
        Check::warning(NAME, message, "Sign in again when it expires.")
    };
    check
        .fact("signed_in", true)
        .fact("expires_at", credentials.expires_at().and_then(output::rfc3339))
        .fact("can_refresh", can_refresh)
}

/// Enough of an address for its owner to know it, and not for anybody else.
fn masked(email: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let Some((local, domain)) = email.rsplit_once('@') else { return "somebody".to_owned() };
    let end = domain.rsplit('.').next().unwrap_or_default();
    format!("{}…@{}….{end}", first(local), first(domain))
}
