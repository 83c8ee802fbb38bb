use astropass::{Cleared, Error, Profile, SignedOut};
use serde_json::json;

use crate::context::Context;
use crate::failure::{Failure, STORE};
use crate::output::{self, GREEN};
use crate::program::Program;

pub(crate) async fn one(context: &Context<'_>) -> Result<(), Failure> {
    warn_of_environment();
    let again = format!("{} logout", Program::running().name());
    let Some(signed_out) = sign_out(context, &context.profile, &again).await? else {
        return nobody(context, Some(&context.profile), &again).await;
    };
    tell(context, &context.profile, &signed_out, &again)
}

pub(crate) async fn all(context: &Context<'_>) -> Result<(), Failure> {
    warn_of_environment();
    // One profile in trouble must not keep the others signed in.
    let program = Program::running();
    let again = format!("{} logout --all", program.name());
    let (mut anybody, mut failure) = (false, None);
    let (own, others): (Vec<_>, Vec<_>) =
        context.home.profiles()?.into_iter().partition(|profile| program.owns(profile));
    for profile in own {
        let told = match sign_out(context, &profile.name, &again).await {
            Ok(Some(signed_out)) => {
                anybody = true;
                tell(context, &profile.name, &signed_out, &again)
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        failure = failure.or(told.err());
    }
    remain(context, &others);
    match failure {
        Some(failure) => Err(failure),
        None if !anybody => nobody(context, None, &again).await,
        None if context.global.json => Ok(()),
        None => {
            output::note(&format!("{GREEN}✓{GREEN:#} Logged out from all {}s", program.noun()));
            Ok(())
        }
    }
}

/// Says which sessions of the other program go on.
fn remain(context: &Context<'_>, others: &[Profile]) {
    let names: Vec<_> =
        others.iter().filter(|profile| profile.store.is_some()).map(|p| p.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    let other = Program::running().other().name();
    if context.global.json {
        output::json(&json!({"event": "remaining", "program": other, "profiles": names}));
    } else {
        output::note(&format!(
            "Still signed in with '{other}': {}. Run '{other} logout --all' to end that too.",
            names.join(", ")
        ));
    }
}

pub(crate) fn warn_of_environment() {
    if Context::environment_token().is_some() {
        let variable = Program::running().token_variable();
        output::warn(&format!("{variable} is set: other commands go on using it after this."));
    }
}

/// Ends the session of `profile`; `None` if there is none.
///
/// What an earlier logout could not delete is deleted; where it still cannot, `again` is the
/// command to run.
pub(crate) async fn sign_out(
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

/// Nobody was signed in to `profile`, or to any.
async fn nobody(context: &Context<'_>, profile: Option<&str>, again: &str) -> Result<(), Failure> {
    // A first login that was killed may have left its tokens, and nothing else.
    let swept = context.builder(&context.profile).sweep().await?;
    if swept == Some(Cleared::LeftToSweep) {
        return Err(left_to_sweep(&context.profile, again));
    }
    let (program, noun) = (Program::running(), Program::running().noun());
    if context.global.json {
        let mut event = json!({"event": "not_signed_in"});
        if let (Some(profile), Some(event)) = (profile, event.as_object_mut()) {
            event.insert(noun.to_owned(), profile.into());
        }
        output::json(&event);
        return Ok(());
    }
    let name = program.name();
    output::note(&match profile.filter(|profile| *profile != program.default_profile()) {
        None => "Not currently logged in.".to_owned(),
        // Perhaps misspelt, and somebody believes that a session is over which is not.
        Some(profile) if context.home.profile(profile)?.is_none() => format!(
            "There is no {noun} {profile:?} to log out from. Run '{name} {noun} list' to see them."
        ),
        Some(profile) => format!("Not currently logged in to {noun} {profile:?}."),
    });
    Ok(())
}

/// Says how the logout went; an error if tokens are left, with the command to run `again` then.
pub(crate) fn tell(
    context: &Context<'_>,
    profile: &str,
    signed_out: &SignedOut,
    again: &str,
) -> Result<(), Failure> {
    let noun = Program::running().noun();
    if context.global.json {
        let revocation = match &signed_out.revoked {
            Some(Ok(())) => "confirmed",
            Some(Err(_)) => "unconfirmed",
            None => "unsupported",
        };
        let swept = signed_out.cleared == Cleared::Everything;
        output::json(&json!({
            "event": "signed_out", noun: profile, "revocation": revocation, "deleted": swept,
        }));
    } else {
        output::note(&format!("{GREEN}✓{GREEN:#} Logged out from {noun} \"{profile}\""));
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
    let noun = match Program::running() {
        Program::Ast => "Profile",
        Program::Astro => "Context",
    };
    let message = format!(
        "{noun} \"{profile}\" is signed out, but the keyring did not let its tokens be deleted; unlock it and run '{again}' again."
    );
    Failure::new(STORE, "left_to_sweep", message)
}
