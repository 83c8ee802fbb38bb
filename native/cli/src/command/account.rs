use astropass::{Account, Dialect, Error, Profile, Session, printable};
use serde_json::json;

use crate::args;
use crate::context::Context;
use crate::failure::{Failure, OTHER, USAGE};
use crate::output::{self, GREEN};

/// What to do where a session cannot be switched to an account.
const CHOOSE: &str = "To use another account, run 'ast login' and choose it there.";

pub(super) async fn run(context: &Context<'_>, command: &args::Account) -> Result<(), Failure> {
    match command {
        args::Account::List => list(context).await,
        args::Account::Use { name } => switch(context, name).await,
    }
}

async fn list(context: &Context<'_>) -> Result<(), Failure> {
    let session = context.api_session()?;
    let accounts = match Context::environment_token() {
        Some(_) => request(&session, true).await?,
        None => fetch(context, &session).await?,
    };
    let current = current(context)?;
    for account in &accounts {
        let is_current = current.as_ref() == Some(&account.id);
        if context.global.json {
            let mut line = output::account_json(Some(account));
            if let Some(fields) = line.as_object_mut() {
                fields.insert("current".to_owned(), json!(is_current));
            }
            output::json(&line);
            continue;
        }
        let mark = if is_current { "*" } else { " " };
        let text = |text: &Option<String>| printable(text.as_deref().unwrap_or("-"));
        output::line(&format!(
            "{mark} {:<24} {:<13} {:<8} {}",
            printable(&account.name),
            text(&account.kind),
            text(&account.role),
            printable(&account.id)
        ));
    }
    if !context.global.json && Context::environment_token().is_none() {
        say_what_cannot_be_used(context, &session, &accounts, current.as_deref());
    }
    Ok(())
}

/// Says which of the listed accounts `account use` refuses, and why.
fn say_what_cannot_be_used(
    context: &Context<'_>,
    session: &Session,
    accounts: &[Account],
    current: Option<&str>,
) {
    let mut others = accounts.iter().filter(|account| current != Some(account.id.as_str()));
    let say = |failure: Failure| output::note(failure.of_profile(&context.profile).message());
    match check_can_switch(session) {
        Ok(()) => {
            others.filter(|it| it.organization.is_none()).map(is_no_organization).for_each(say);
        }
        Err(failure) if others.next().is_some() => say(failure.advise(CHOOSE)),
        Err(_) => {}
    }
}

fn is_no_organization(account: &Account) -> Failure {
    let name = printable(&account.name);
    let message = format!("'ast account use' is for organizations, and {name:?} is none.");
    Failure::new(USAGE, "no_organization", message).advise(CHOOSE)
}

/// The id of the account that the session is for, if that is known.
fn current(context: &Context<'_>) -> Result<Option<String>, Failure> {
    let profile = context.home.profile(&context.profile)?;
    Ok(profile.as_ref().and_then(Profile::account).map(|account| account.id.clone()))
}

/// Asks the API server for the accounts, and notes them in the profile.
pub(super) async fn fetch(
    context: &Context<'_>,
    session: &Session,
) -> Result<Vec<Account>, Failure> {
    let user = session.credentials().await?;
    let accounts = request(session, false).await?;
    context.home.set_accounts(&context.profile, &user.identity, &accounts)?;
    Ok(accounts)
}

async fn request(session: &Session, from_environment: bool) -> Result<Vec<Account>, Failure> {
    let request = http::Request::get("/api/v1/me").header("accept", "application/json");
    let request = request.body(Vec::new()).map_err(|error| Failure::other(error.to_string()))?;
    let response = session.send(request).await?;
    if !response.status().is_success() {
        return Err(super::api::failure(response.status(), from_environment));
    }
    Ok(Account::list(response.body())?)
}

async fn switch(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    if Context::environment_token().is_some() {
        return Err(Failure::usage(
            "The token in ASTRO_ACCESS_TOKEN is for one account only. Unset it to use your login's.",
        ));
    }
    let session = context.api_session()?;
    check_can_switch(&session).map_err(|failure| failure.advise(CHOOSE))?;
    let accounts = fetch(context, &session).await?;
    let account = find(&accounts, name)?;
    match &account.organization {
        Some(organization) => {
            let next = "Ask who administers it, or run 'ast login' with --browser and --organization to sign in to it.";
            switch_to(&session, organization, next).await?;
        }
        None if current(context)?.as_ref() == Some(&account.id) => {}
        None => return Err(is_no_organization(account)),
    }
    if context.global.json {
        output::json(
            &json!({"event": "account_chosen", "account": output::account_json(Some(account))}),
        );
    } else {
        output::note(&format!("{GREEN}✓{GREEN:#} Using account \"{}\"", printable(&account.name)));
    }
    Ok(())
}

/// Only WorkOS has a way to name an organization.
pub(super) fn check_can_switch(session: &Session) -> Result<(), Failure> {
    if matches!(session.provider().dialect, Dialect::WorkOs(_)) {
        return Ok(());
    }
    let issuer = printable(&session.provider().issuer);
    Err(Failure::usage(format!("{issuer} has no organizations that a session can be switched to.")))
}

/// Goes on as a member of `organization`, or says why not and what to do `next`.
pub(super) async fn switch_to(
    session: &Session,
    organization: &str,
    next: &str,
) -> Result<(), Failure> {
    match session.switch_organization(organization).await {
        Ok(_) => Ok(()),
        Err(Error::Server(refusal)) => {
            let message = format!(
                "The server does not let you use {organization:?}: {refusal}. Your session goes on without it."
            );
            Err(Failure::new(OTHER, "not_switched", message).advise(next))
        }
        Err(error) => Err(error.into()),
    }
}

/// By id, or else by a name that only one has.
fn find<'a>(accounts: &'a [Account], name: &str) -> Result<&'a Account, Failure> {
    let failure = |code, what: &str| {
        Failure::new(USAGE, code, format!("{what} {name:?}. Run 'ast account list' to see them."))
    };
    let by_id =
        |account: &&Account| account.id == name || account.organization.as_deref() == Some(name);
    if let Some(account) = accounts.iter().find(by_id) {
        return Ok(account);
    }
    let mut named = accounts.iter().filter(|account| account.name.eq_ignore_ascii_case(name));
    match (named.next(), named.next()) {
        (Some(account), None) => Ok(account),
        (Some(_), Some(_)) => {
            Err(failure("ambiguous_account", "Give the id: several accounts are called"))
        }
        (None, _) => Err(failure("no_such_account", "There is no account")),
    }
}
