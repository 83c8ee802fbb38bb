use astropass::{Cleared, Error, SignedOut};
use serde_json::json;

use crate::context::Context;
use crate::failure::{Failure, STORE};
use crate::output::{self, GREEN};

pub(super) async fn one(context: &Context<'_>) -> Result<(), Failure> {
    let Some(signed_out) = sign_out(context, &context.profile).await? else {
        return nobody(context);
    };
    if !context.global.json {
        output::note(&format!("{GREEN}✓{GREEN:#} Logged out from profile \"{}\"", context.profile));
    }
    tell(context, &context.profile, &signed_out)
}

pub(super) async fn all(context: &Context<'_>) -> Result<(), Failure> {
    let profiles = context.home.profiles()?;
    let signed_in: Vec<_> = profiles.iter().filter(|profile| profile.store.is_some()).collect();
    if signed_in.is_empty() {
        return nobody(context);
    }
    // One profile in trouble must not keep the others signed in.
    let mut failure = None;
    for profile in signed_in {
        let told = match sign_out(context, &profile.name).await {
            Ok(Some(signed_out)) => tell(context, &profile.name, &signed_out),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        failure = failure.or(told.err());
    }
    match failure {
        Some(failure) => Err(failure),
        None if context.global.json => Ok(()),
        None => {
            output::note(&format!("{GREEN}✓{GREEN:#} Logged out from all profiles"));
            Ok(())
        }
    }
}

/// Ends the session of `profile`; `None` if there is none.
pub(super) async fn sign_out(
    context: &Context<'_>,
    profile: &str,
) -> Result<Option<SignedOut>, Failure> {
    let session = match context.builder(profile).build() {
        Ok(session) => session,
        Err(Error::NotSignedIn) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match session.logout().await {
        Ok(signed_out) => Ok(Some(signed_out)),
        Err(Error::NotSignedIn) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn nobody(context: &Context<'_>) -> Result<(), Failure> {
    if context.global.json {
        output::json(&json!({"event": "not_signed_in"}));
    } else {
        output::note("Not currently logged in.");
    }
    Ok(())
}

fn tell(context: &Context<'_>, profile: &str, signed_out: &SignedOut) -> Result<(), Failure> {
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
        Cleared::LeftToSweep => Err(Failure::new(
            STORE,
            "left_to_sweep",
            format!(
                "Profile \"{profile}\" is signed out, but the keyring did not let its tokens be deleted; unlock it, and the next login deletes them."
            ),
        )),
    }
}
