use astropass::printable;
use serde_json::json;

use super::logout;
use crate::args::Profile;
use crate::context::{Context, env};
use crate::failure::{Failure, USAGE};
use crate::output::{self, GREEN};

pub(super) async fn run(context: &Context<'_>, command: &Profile) -> Result<(), Failure> {
    match command {
        Profile::List => list(context),
        Profile::Use { name } => choose(context, name),
        Profile::Remove { name } => remove(context, name).await,
    }
}

fn list(context: &Context<'_>) -> Result<(), Failure> {
    let profiles = context.home.profiles()?;
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
        let who = match (&profile.store, user) {
            (None, _) => "signed out".to_owned(),
            (Some(_), Some(user)) => printable(user.email.as_ref().unwrap_or(&user.id)),
            (Some(_), None) => "signed in".to_owned(),
        };
        let issuer = profile.provider.as_ref().map_or("", |provider| &provider.issuer);
        output::line(&format!("{mark} {:<16} {who:<28} {}", profile.name, printable(issuer)));
    }
    if profiles.is_empty() && !context.global.json {
        output::note("No profiles yet. Run 'ast login' to make one.");
    }
    Ok(())
}

fn choose(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    known(context, name)?;
    context.make_current(Some(name))?;
    if let Some(other) = env("ASTRO_PROFILE").filter(|other| other != name) {
        output::warn(&format!("ASTRO_PROFILE is set: commands use its profile {other:?} instead."));
    }
    if context.global.json {
        output::json(&json!({"event": "profile_chosen", "profile": name}));
    } else {
        output::note(&format!("{GREEN}✓{GREEN:#} Using profile \"{name}\""));
    }
    Ok(())
}

async fn remove(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    known(context, name)?;
    let again = format!("ast profile remove {name}");
    if let Some(signed_out) = logout::sign_out(context, name, &again).await? {
        // With tokens left in a keyring the profile stays, to be removed with them.
        logout::tell(context, name, &signed_out, &again)?;
    }
    context.home.remove(name)?;
    if context.current()?.as_deref() == Some(name) {
        context.make_current(None)?;
    }
    if context.global.json {
        output::json(&json!({"event": "profile_removed", "profile": name}));
    } else {
        output::note(&format!("{GREEN}✓{GREEN:#} Removed profile \"{name}\""));
    }
    Ok(())
}

fn known(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    match context.home.profile(name)? {
        Some(_) => Ok(()),
        None => Err(Failure::new(
            USAGE,
            "no_such_profile",
            format!("There is no profile {name:?}. Run 'ast profile list' to see them."),
        )),
    }
}
