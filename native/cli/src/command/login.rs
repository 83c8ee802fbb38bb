use std::io;
use std::path::{Path, PathBuf};

use astropass::{
    BrowserLogin, Error, Profile, RedirectUri, Session, StoreChoice, StoreError, StoreKind,
    diagnose, printable,
};
use serde_json::json;

use super::countdown::Countdown;
use super::provider::{self, Place};
use super::{account, browser, prompt};
use crate::args::Login;
use crate::context::{Context, default_server, store_of_environment};
use crate::failure::Failure;
use crate::output::{self, GREEN};
use crate::program::Program;

pub(super) async fn run(context: &Context<'_>, login: &Login) -> Result<(), Failure> {
    if Context::environment_token().is_some() {
        output::warn("ASTRO_ACCESS_TOKEN is set: other commands use it instead of this login.");
    }
    let before = before(context)?;
    let session = session(context, login, before.as_ref()).await?;
    if login.organization.is_some() {
        account::check_can_switch(&session)
            .map_err(|failure| failure.advise("Leave out --organization."))?;
    }
    sign_in(context, login, &session).await?;
    let is_first = context.current()?.is_none();
    if is_first {
        context.make_current(Some(&context.profile))?;
    }
    let signed_in_to = context.signed_in()?.identity.and_then(|identity| identity.organization);
    let switched = match &login.organization {
        Some(organization) if signed_in_to.as_ref() != Some(organization) => {
            let next = "'ast account list' shows what you can use.";
            account::switch_to(&session, organization, next).await
        }
        _ => Ok(()),
    };
    if session.server().is_some()
        && let Err(failure) = account::fetch(context, &session).await
    {
        output::warn(&format!("The accounts are not known yet: {}", failure.message()));
    }
    greet(context, is_first)?;
    switched
}

/// Signs in, by the device flow unless the browser is wanted, or is all that the provider has.
async fn sign_in(context: &Context<'_>, login: &Login, session: &Session) -> Result<(), Failure> {
    let endpoints = &session.provider().endpoints;
    let has_device_flow =
        endpoints.device_authorization.is_some() || endpoints.authorization.is_none();
    if !login.browser && has_device_flow {
        return sign_in_with_code(context, login, session).await;
    }
    if !login.browser && !context.global.json {
        let host = printable(provider::host_of(session.provider()));
        output::note(&format!("{host} has no device flow, so this goes through a browser.\n"));
    }
    let manner = browser::Manner {
        opens: !login.no_browser,
        json: context.global.json,
        link_option: "--no-browser",
    };
    let mut with = BrowserLogin::default();
    if let Some(organization) = &login.organization {
        with = with.organization(organization);
    }
    browser::sign_in(session, with, manner).await
}

/// Signs in by the device flow; the codes and the time left are shown meanwhile.
async fn sign_in_with_code(
    context: &Context<'_>,
    login: &Login,
    session: &Session,
) -> Result<(), Failure> {
    let json = context.global.json;
    let countdown = Countdown::default();
    let shown = countdown.clone();
    let signing_in = session.login(move |prompt| {
        prompt::show(&prompt, provider::host_of(session.provider()), login, json);
        if !json {
            shown.start("approval", prompt.expires_in);
        }
    });
    let result = countdown.during(signing_in, || 0).await;
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
    let place = place(context, &profile);
    output::note(&format!("  Profile \"{}\", its tokens in {place}", profile.name));
    let name = &profile.name;
    if is_first && name != Program::Ast.default_profile() {
        output::note(&format!("  Other commands use \"{name}\" from now on."));
    } else if context.current()?.as_ref() != Some(name) {
        output::note(&format!("  Run 'ast profile use {name}' to use it without --profile."));
    }
    Ok(())
}

/// `path` if it can be read.
fn readable(path: PathBuf) -> io::Result<PathBuf> {
    std::fs::read(&path).map(|_| path)
}

/// The certificates to trust besides the system's: option over profile. What an option names has to
/// be of use, even where no TLS needs it yet: nobody should be asked to approve anything otherwise.
pub(crate) fn ca_file(
    option: Option<&Path>,
    before: Option<&Profile>,
) -> Result<Option<PathBuf>, Failure> {
    let Some(path) = option else { return Ok(before.and_then(|profile| profile.ca_file.clone())) };
    // Remembered, so it must not depend on the folder that this was run in.
    let readable = std::path::absolute(path).and_then(readable).map_err(|error| {
        Failure::usage(format!("In --ca-file, {} cannot be used: {error}.", path.display()))
    })?;
    match diagnose::check_authorities(Some(readable.clone())) {
        Err(Error::Http(error)) => {
            let failure = Failure::usage(format!("In --ca-file, {}.", error.detail));
            Err(failure.advise("Give a PEM file of certificates."))
        }
        checked => Ok(checked.map(|()| Some(readable))?),
    }
}

/// Where to keep the tokens: option over environment over profile over default.
pub(crate) fn store(
    option: Option<StoreChoice>,
    before: Option<&Profile>,
) -> Result<StoreChoice, Failure> {
    let chosen = match option {
        Some(store) => Some(store),
        None => store_of_environment()?,
    };
    Ok(chosen.or(before.map(|profile| profile.store_choice)).unwrap_or_default())
}

/// The profile as it was before a login; one in a file that cannot be read is set aside with it when
/// the new session is stored.
pub(crate) fn before(context: &Context<'_>) -> Result<Option<Profile>, Failure> {
    match context.home.profile(&context.profile) {
        Err(StoreError::Corrupt(_)) => Ok(None),
        before => Ok(before?),
    }
}

/// Where the tokens of a signed-in profile are, in words.
pub(crate) fn place(context: &Context<'_>, profile: &Profile) -> String {
    match profile.store {
        Some(StoreKind::Keyring) => "the system's keyring".to_owned(),
        _ => context.home.path().join("credentials.json").display().to_string(),
    }
}

/// Option over environment over profile over default; all that can be wrong by itself is found out
/// before anything is asked.
async fn session(
    context: &Context<'_>,
    login: &Login,
    before: Option<&Profile>,
) -> Result<Session, Failure> {
    let ca_file = ca_file(login.ca_file.as_deref(), before)?;
    let store = store(login.store, before)?;
    let place = Place::of(login, before)?;
    // What is remembered of another issuer is not this one's: neither its client nor where its
    // tokens may go.
    let before = before.filter(|before| {
        before.provider.as_ref().is_none_or(|known| known.issuer == place.issuer())
    });
    let server = match context.server_override()? {
        Some(server) => Some(server),
        None => match before.and_then(|profile| profile.server.clone()) {
            Some(server) => Some(server),
            None => default_server()?,
        },
    };
    let needs_server = matches!(place, Place::WorkOs(_)) && server.is_none();
    let client_id = match provider::client_id(login, before) {
        Some(client_id) if !needs_server => client_id,
        client_id => return Err(missing(&place, client_id.is_none(), needs_server)),
    };
    let redirect_uri = redirect_uri(login, before, &client_id)?;
    let (provider, by_hand) = place.find(login, client_id, before, ca_file.as_deref()).await?;
    let builder = context.builder(&context.profile).provider(provider).store(store);
    let mut builder = builder.endpoints_by_hand(by_hand);
    if let Some(server) = server {
        builder = builder.server(server);
    }
    if let Some(ca_file) = ca_file {
        builder = builder.ca_file(ca_file);
    }
    if let Some(redirect_uri) = redirect_uri {
        builder = builder.redirect_uri(redirect_uri);
    }
    context.build(builder)
}

/// Nobody said what a login at `place` needs to know.
fn missing(place: &Place, client: bool, server: bool) -> Failure {
    let (what, options, variables) = match (client, server) {
        (true, true) => (
            "are the OAuth client and the API server",
            "--client-id ID and --server URL",
            "ASTRO_CLIENT_ID and ASTRO_SERVER",
        ),
        (true, false) => ("is the OAuth client", "--client-id ID", "ASTRO_CLIENT_ID"),
        (false, _) => ("is the API server", "--server URL", "ASTRO_SERVER"),
    };
    let mut next = format!("Give {options}, or set {variables}.");
    if place.issuer() == provider::WORKOS {
        next.push_str(" For a provider other than WorkOS, give --issuer URL.");
    }
    Failure::usage(format!("Which {what}?")).advise(next)
}

/// The option's, or what an earlier login of the same client was told.
fn redirect_uri(
    login: &Login,
    before: Option<&Profile>,
    client_id: &str,
) -> Result<Option<RedirectUri>, Failure> {
    let Some(uri) = &login.redirect_uri else {
        let same = before.filter(|before| {
            before.provider.as_ref().is_some_and(|known| known.client_id == client_id)
        });
        return Ok(same.and_then(|profile| profile.redirect_uri.clone()));
    };
    let uri = uri.parse().map_err(|error| {
        Failure::usage(format!(
            "In --redirect-uri, {error}. Give one such as http://localhost:8400/callback."
        ))
    });
    uri.map(Some)
}
