//! Contexts: profiles of the two systems, each named by its domain.

use std::fmt::Display;

use astropass::{Builder, Dialect, Domain, Home, Profile, Provider, System, printable};
use serde_json::json;

use super::args::ContextCommand;
use crate::command::profile;
use crate::context::{Context, env};
use crate::failure::Failure;
use crate::output;
use crate::program::Program;

/// The variable that names a domain, and with it makes `localhost` one of the cloud.
const VARIABLE: &str = "ASTRO_DOMAIN";

/// The domain that is meant: the one named on the command line, over the environment, over the
/// current context, over the default.
pub(crate) fn domain(home: &Home, named: Option<&str>) -> Result<Domain, Failure> {
    let domain = match (named, env(VARIABLE)) {
        (Some(name), _) => parse(home, name)?,
        (None, Some(name)) => {
            Domain::parse_override(&name).map_err(|error| no_domain(VARIABLE, error))?
        }
        (None, None) => {
            // A file that cannot be read is reported by the command that needs it.
            let current = home.current(Program::Astro.name()).ok().flatten();
            parse(home, current.as_deref().unwrap_or(Program::Astro.default_profile()))?
        }
    };
    if !Profile::is_name(domain.name()) {
        let failure = Failure::usage(format!("The domain {:?} is too long.", domain.name()));
        return Err(failure.advise("Give one of at most 242 characters."));
    }
    Ok(domain)
}

/// A session with a token from the environment, which is for the domain that is meant, signed in
/// there or not.
pub(crate) fn at_domain(builder: Builder, home: &Home) -> Result<Builder, Failure> {
    let domain = domain(home, None)?;
    let api = domain.api()?;
    let builder = builder.server(api.clone());
    Ok(match domain.system() {
        System::Cloud => builder,
        System::Software => builder.provider(Provider::software(&api)),
    })
}

/// A context that is there stays what it is; only a developer makes `localhost` one of the cloud.
fn parse(home: &Home, name: &str) -> Result<Domain, Failure> {
    let wrong = |error| no_domain(&format!("{name:?}"), error);
    let domain = Domain::parse(name).map_err(wrong)?;
    let is_cloud = match home.profile(domain.name()).ok().flatten() {
        Some(stored) => is_cloud(&stored),
        None => is_in_variable(domain.name()),
    };
    if is_cloud { Domain::parse_override(name).map_err(wrong) } else { Ok(domain) }
}

fn is_in_variable(name: &str) -> bool {
    let domain = env(VARIABLE).and_then(|domain| Domain::parse_override(&domain).ok());
    domain.is_some_and(|domain| domain.name() == name)
}

/// The command to sign in to the context `name` with, in quotation marks: with the variable where
/// the name by itself would mean the other system.
pub(crate) fn login_to(name: &str) -> String {
    let is_stored = || Home::from_env().is_ok_and(|home| matches!(home.profile(name), Ok(Some(_))));
    match name == "localhost" && is_in_variable(name) && !is_stored() {
        true => format!("'{VARIABLE}={name} astro login'"),
        false => format!("'astro login {name}'"),
    }
}

fn no_domain(place: &str, error: impl Display) -> Failure {
    Failure::usage(format!("In {place}, {error}."))
        .advise("Give a domain by itself, such as example.com.")
}

fn is_cloud(profile: &Profile) -> bool {
    profile.provider.as_ref().is_some_and(|provider| provider.dialect == Dialect::Astro)
}

pub(super) async fn run(context: &Context<'_>, command: &ContextCommand) -> Result<(), Failure> {
    match command {
        ContextCommand::List => list(context),
        ContextCommand::Switch { domain } => {
            profile::choose(context, parse(&context.home, domain)?.name())
        }
        ContextCommand::Delete { domain } => {
            profile::remove(context, parse(&context.home, domain)?.name()).await
        }
    }
}

fn list(context: &Context<'_>) -> Result<(), Failure> {
    let mut contexts = context.home.profiles()?;
    contexts.retain(|profile| Program::Astro.owns(profile));
    for profile in &contexts {
        let is_current = profile.name == context.profile;
        let (system, system_json) = match is_cloud(profile) {
            true => ("Astro", "astro"),
            false => ("Software", "software"),
        };
        if context.global.json {
            output::json(&json!({
                "context": profile.name,
                "current": is_current,
                "system": system_json,
                "signed_in": profile.store.is_some(),
                "user": output::user_json(profile.user.as_ref()),
                "organization": output::named_json(profile.organization.as_ref()),
                "workspace": output::named_json(profile.workspace.as_ref()),
                "store": profile.store.map(|store| store.as_str()),
            }));
            continue;
        }
        let mark = if is_current { "*" } else { " " };
        let who = profile::who(profile);
        let workspace = profile.workspace.as_ref().map_or("", |workspace| &workspace.name);
        output::line(&format!(
            "{mark} {:<28} {system:<9} {who:<28} {}",
            profile.name,
            printable(workspace)
        ));
    }
    if contexts.is_empty() && !context.global.json {
        output::note("No contexts yet. Run 'astro login' to make one.");
    }
    profile::note_missing(context, &contexts);
    Ok(())
}
