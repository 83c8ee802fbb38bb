use astropass::{Profile as StoredProfile, printable};
use serde_json::json;

use super::logout;
use crate::args::Profile;
use crate::context::{Context, env};
use crate::failure::{Failure, USAGE};
use crate::output::{self, GREEN};
use crate::program::Program;

pub(super) async fn run(context: &Context<'_>, command: &Profile) -> Result<(), Failure> {
    match command {
        Profile::List => list(context),
        Profile::Use { name } => choose(context, name),
        Profile::Remove { name } => remove(context, name).await,
    }
}

fn list(context: &Context<'_>) -> Result<(), Failure> {
    let mut profiles = context.home.profiles()?;
    profiles.retain(|profile| Program::Ast.owns(profile));
    for profile in &profiles {
        let is_current = profile.name == context.profile;
        let user = profile.user.as_ref();
        if context.global.json {
            output::json(&json!({
                "profile": profile.name,
                "current": is_current,
                "signed_in": profile.store.is_some(),
                "provider": profile.provider.as_ref().map(|provider| &provider.issuer),
                "user": output::user_json(user),
                "store": profile.store.map(|store| store.as_str()),
            }));
            continue;
        }
        let mark = if is_current { "*" } else { " " };
        let who = who(profile);
        let issuer = profile.provider.as_ref().map_or("", |provider| &provider.issuer);
        output::line(&format!("{mark} {:<16} {who:<28} {}", profile.name, printable(issuer)));
    }
    if profiles.is_empty() && !context.global.json {
        output::note("No profiles yet. Run 'ast login' to make one.");
    }
    note_missing(context, &profiles);
    Ok(())
}

/// Says so where commands would use none of the `profiles` that there are.
pub(crate) fn note_missing(context: &Context<'_>, profiles: &[StoredProfile]) {
    let used = &context.profile;
    let is_there = profiles.iter().any(|profile| profile.name == *used);
    // Without a name, the variable's cannot be used.
    if context.global.json || profiles.is_empty() || used.is_empty() || is_there {
        return;
    }
    let program = Program::running();
    let (noun, choice) = (program.noun(), program.choice());
    output::note(&format!(
        "Commands use {noun} {used:?}, which is none of them. Run '{choice} NAME' to choose one."
    ));
}

/// Makes `name` the current profile.
pub(crate) fn choose(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    known(context, name)?;
    context.make_current(Some(name))?;
    let (program, noun) = (Program::running(), Program::running().noun());
    let variable = program.profile_variable();
    if let Some(other) = env(variable).filter(|other| other != name) {
        output::warn(&format!("{variable} is set: commands use its {noun} {other:?} instead."));
    }
    if context.global.json {
        output::json(&json!({"event": format!("{noun}_chosen"), noun: name}));
    } else {
        output::note(&format!("{GREEN}✓{GREEN:#} Using {noun} \"{name}\""));
    }
    Ok(())
}

/// Signs `name` out and forgets it.
pub(crate) async fn remove(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    known(context, name)?;
    let (program, noun) = (Program::running(), Program::running().noun());
    let again = format!("{} {name}", program.removal());
    if let Some(signed_out) = logout::sign_out(context, name, &again).await? {
        // With tokens left in a keyring the profile stays, to be removed with them.
        logout::tell(context, name, &signed_out, &again)?;
    }
    let current = context.current()?;
    context.home.remove(name)?;
    if context.global.json {
        output::json(&json!({"event": format!("{noun}_removed"), noun: name}));
    } else {
        output::note(&format!("{GREEN}✓{GREEN:#} Removed {noun} \"{name}\""));
    }
    if current.as_deref().unwrap_or(program.default_profile()) == name {
        succeed(context)?;
    }
    Ok(())
}

/// Lets the default profile be current again after the one that was; without that, none is.
fn succeed(context: &Context<'_>) -> Result<(), Failure> {
    let (program, noun) = (Program::running(), Program::running().noun());
    let mut profiles = context.home.profiles()?;
    profiles.retain(|profile| program.owns(profile));
    let next = program.default_profile();
    let is_there = profiles.iter().any(|profile| profile.name == next);
    if is_there {
        // Otherwise the next login would make another one current.
        context.make_current(Some(next))?;
    }
    if context.global.json {
        return Ok(());
    }
    let choice = program.choice();
    if is_there {
        output::note(&format!("  Other commands use {noun} {next:?} again."));
    } else if !profiles.is_empty() {
        output::note(&format!("  No {noun} is chosen now. Run '{choice} NAME' to choose another."));
    }
    Ok(())
}

fn known(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    let (program, noun) = (Program::running(), Program::running().noun());
    match context.home.profile(name)? {
        Some(profile) if program.owns(&profile) => Ok(()),
        _ => Err(Failure::new(
            USAGE,
            match program {
                Program::Ast => "no_such_profile",
                Program::Astro => "no_such_context",
            },
            format!(
                "There is no {noun} {name:?}. Run '{} {noun} list' to see them.",
                program.name()
            ),
        )),
    }
}

/// Who is signed in to `profile`, in a word.
pub(crate) fn who(profile: &StoredProfile) -> String {
    match (&profile.store, &profile.user) {
        (None, _) => "signed out".to_owned(),
        (Some(_), Some(user)) => printable(user.email.as_ref().unwrap_or(&user.id)),
        (Some(_), None) => "signed in".to_owned(),
    }
}
