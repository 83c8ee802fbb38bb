use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use astropass::{Dialect, Endpoint, Profile, Session, StoreError, StoreKind, printable};
use serde_json::json;

use super::prompt::{self, Countdown};
use super::{account, provider};
use crate::args::Login;
use crate::context::{Context, default_server, env};
use crate::failure::Failure;
use crate::output::{self, GREEN};

pub(super) async fn run(context: &Context<'_>, login: &Login) -> Result<(), Failure> {
    if Context::environment_token().is_some() {
        output::warn("ASTRO_ACCESS_TOKEN is set: other commands use it instead of this login.");
    }
    let before = match context.home.profile(&context.profile) {
        // It is set aside when the session is stored.
        Err(StoreError::Corrupt(_)) => None,
        before => before?,
    };
    let session = session(context, login, before.as_ref()).await?;
    if login.organization.is_some() {
        account::check_can_switch(&session)?;
    }
    sign_in(context, login, &session).await?;
    let is_first = context.current()?.is_none();
    if is_first {
        context.make_current(Some(&context.profile))?;
    }
    let switched = match &login.organization {
        Some(organization) => account::switch_to(&session, organization).await,
        None => Ok(()),
    };
    if session.server().is_some()
        && let Err(failure) = account::fetch(context, &session).await
    {
        output::warn(&format!("The accounts are not known yet: {}", failure.text()));
    }
    greet(context, is_first)?;
    switched
}

/// Signs in; the codes and the time left are shown meanwhile.
async fn sign_in(context: &Context<'_>, login: &Login, session: &Session) -> Result<(), Failure> {
    let issuer = &session.provider().issuer;
    let host = Endpoint::parse(issuer).map_or_else(
        |_| issuer.clone(),
        |url| url.origin().rsplit("//").next().unwrap_or_default().to_owned(),
    );
    let json = context.global.json;
    let countdown = Arc::new(Mutex::new(None));
    let shown = Arc::clone(&countdown);
    let signing_in = session.login(move |prompt| {
        prompt::show(&prompt, &host, login, json);
        if !json {
            *shown.lock().unwrap_or_else(PoisonError::into_inner) =
                Countdown::start(prompt.expires_in);
        }
    });
    tokio::pin!(signing_in);
    let mut tick = tokio::time::interval(Countdown::TICK);
    let result = loop {
        tokio::select! {
            result = &mut signing_in => break result,
            _ = tick.tick() => {
                let mut countdown = countdown.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(countdown) = countdown.as_mut() {
                    countdown.draw();
                }
            }
        }
    };
    // The line is cleared before anything else is said.
    drop(countdown.lock().unwrap_or_else(PoisonError::into_inner).take());
    result.map(drop).map_err(Failure::of_login)
}

fn greet(context: &Context<'_>, is_first: bool) -> Result<(), Failure> {
    context.report_notices(true);
    let profile = context.signed_in()?;
    let (user, account) = (profile.user.as_ref(), profile.account());
    if context.global.json {
        output::json(&json!({
            "event": "signed_in",
            "profile": profile.name,
            "user": output::user_json(user),
            "account": output::account_json(account),
            "store": profile.store.map(StoreKind::as_str),
            "expires_at": profile.expires_at.and_then(output::rfc3339),
        }));
        return Ok(());
    }
    let name = user.and_then(|user| user.name.as_ref().or(user.email.as_ref()).or(Some(&user.id)));
    let welcome = name.map_or_else(String::new, |name| format!(", {}", printable(name)));
    let email = user.and_then(|user| user.email.as_ref()).filter(|email| Some(*email) != name);
    let email = email.map_or_else(String::new, |email| format!(" ({})", printable(email)));
    output::note(&format!("{GREEN}✓{GREEN:#} Welcome{welcome}{email}. You are signed in."));
    let place = match profile.store {
        Some(StoreKind::Keyring) => "the system's keyring".to_owned(),
        _ => context.home.path().join("credentials.json").display().to_string(),
    };
    output::note(&format!("  Profile \"{}\", its tokens in {place}", profile.name));
    let name = &profile.name;
    if is_first && name != "default" {
        output::note(&format!("  Other commands use \"{name}\" from now on."));
    } else if context.current()?.as_ref() != Some(name) {
        output::note(&format!("  Run 'ast profile use {name}' to use it without --profile."));
    }
    Ok(())
}

/// `path` if it can be read; otherwise nobody should be asked to approve anything.
fn readable(path: PathBuf) -> io::Result<PathBuf> {
    std::fs::read(&path).map(|_| path)
}

/// Option over environment over profile over default.
async fn session(
    context: &Context<'_>,
    login: &Login,
    before: Option<&Profile>,
) -> Result<Session, Failure> {
    let ca_file = match &login.ca_file {
        // Remembered, so it must not depend on the folder that this was run in.
        Some(path) => Some(std::path::absolute(path).and_then(readable).map_err(|error| {
            Failure::usage(format!("In --ca-file, {} cannot be used: {error}.", path.display()))
        })?),
        None => before.and_then(|profile| profile.ca_file.clone()),
    };
    let store = match (login.store, env("ASTRO_STORE")) {
        (Some(store), _) => store,
        (None, Some(store)) => {
            store.parse().map_err(|error| Failure::usage(format!("In ASTRO_STORE, {error}.")))?
        }
        (None, None) => before.map(|profile| profile.store_choice).unwrap_or_default(),
    };
    let (provider, by_hand) = provider::find(login, before, ca_file.as_deref()).await?;
    let server = match context.server_override()? {
        Some(server) => Some(server),
        None => match before.and_then(|profile| profile.server.clone()) {
            Some(server) => Some(server),
            None => default_server()?,
        },
    };
    let is_workos = matches!(provider.dialect, Dialect::WorkOs(_));
    let builder = context.builder(&context.profile).provider(provider).store(store);
    let mut builder = builder.endpoints_by_hand(by_hand);
    match server {
        Some(server) => builder = builder.server(server),
        None if is_workos => {
            return Err(provider::missing("--server URL", "ASTRO_SERVER", "the API server"));
        }
        None => {}
    }
    if let Some(ca_file) = ca_file {
        builder = builder.ca_file(ca_file);
    }
    context.build(builder)
}
