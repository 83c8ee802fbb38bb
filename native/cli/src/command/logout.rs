use astropass::{Cleared, Error, SignedOut};
use serde_json::json;

use crate::context::Context;
use crate::failure::{Failure, STORE};
use crate::output::{self, GREEN};

const AGAIN: &str = "ast logout";
const AGAIN_ALL: &str = "ast logout --all";

pub(super) async fn one(context: &Context<'_>) -> Result<(), Failure> {
    warn_of_environment();
    let Some(signed_out) = sign_out(context, &context.profile, AGAIN).await? else {
        return nobody(context);
    };
    tell(context, &context.profile, &signed_out, AGAIN)
}

pub(super) async fn all(context: &Context<'_>) -> Result<(), Failure> {
    warn_of_environment();
    // One profile in trouble must not keep the others signed in.
    let (mut anybody, mut failure) = (false, None);
    for profile in context.home.profiles()? {
        let told = match sign_out(context, &profile.name, AGAIN_ALL).await {
            Ok(Some(signed_out)) => {
                anybody = true;
                tell(context, &profile.name, &signed_out, AGAIN_ALL)
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        failure = failure.or(told.err());
    }
    match failure {
        Some(failure) => Err(failure),
        None if !anybody => nobody(context),
        None if context.global.json => Ok(()),
        None => {
            output::note(&format!("{GREEN}✓{GREEN:#} Logged out from all profiles"));
            Ok(())
        }
    }
}

fn warn_of_environment() {
    if Context::environment_token().is_some() {
        output::warn("ASTRO_ACCESS_TOKEN is set: other commands go on using it after this.");
    }
}

/// Ends the session of `profile`; `None` if there is none.
///
/// What an earlier logout could not delete is deleted; where it still cannot, `again` is the
/// command to run.
pub(super) async fn sign_out(
    context: &Context<'_>,
    profile: &str,
    again: &str,
) -> Result<Option<SignedOut>, Failure> {
    let before = context.home.profile(profile)?;
    let was_signed_in = before.is_some_and(|profile| profile.store.is_some());
    let session = match context.builder(profile).build() {
        Ok(session) => session,
        Err(Error::NotSignedIn) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    context.watch(&session);
    match session.logout().await {
        Ok(signed_out) if !was_signed_in => match signed_out.cleared {
            Cleared::Everything => Ok(None),
            Cleared::LeftToSweep => Err(left_to_sweep(profile, again)),
        },
        Ok(signed_out) => Ok(Some(signed_out)),
        Err(Error::NotSignedIn) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn nobody(context: &Context<'_>) -> Result<(), Failure> {
    // A first login that was killed may have left its tokens, and nothing else.
    context.home.sweep()?;
    if context.global.json {
        output::json(&json!({"event": "not_signed_in"}));
    } else {
        output::note("Not currently logged in.");
    }
    Ok(())
}

/// Says how the logout went; an error if tokens are left, with the command to run `again` then.
pub(super) fn tell(
    context: &Context<'_>,
    profile: &str,
    signed_out: &SignedOut,
    again: &str,
) -> Result<(), Failure> {
    if context.global.json {
        let revocation = match &signed_out.revoked {
            Some(Ok(())) => "confirmed",
            Some(Err(_)) => "unconfirmed",
            None => "unsupported",
        };
        let swept = signed_out.cleared == Cleared::Everything;
        output::json(&json!({
            "event": "signed_out", "profile": profile, "revocation": revocation, "deleted": swept,
        }));
    } else {
        output::note(&format!("{GREEN}✓{GREEN:#} Logged out from profile \"{profile}\""));
        match &signed_out.revoked {
            Some(Ok(())) => output::note("  The server confirmed that the session is over."),
            Some(Err(error)) => output::warn(&format!(
                "The server did not confirm it ({error}): the tokens may be valid there until they expire."
            )),
            None => output::note(
                "  The provider names no way to revoke: the tokens are valid there until they expire.",
            ),
        }
    }
    match signed_out.cleared {
        Cleared::Everything => Ok(()),
        Cleared::LeftToSweep => Err(left_to_sweep(profile, again)),
    }
}

fn left_to_sweep(profile: &str, again: &str) -> Failure {
    let message = format!(
        "Profile \"{profile}\" is signed out, but the keyring did not let its tokens be deleted; unlock it and run '{again}' again."
    );
    Failure::new(STORE, "left_to_sweep", message)
}
