use std::sync::{Arc, Mutex, PoisonError};

use astropass::{
    Dialect, Encoding, Endpoint, Endpoints, Error, Profile, Provider, Session, StoreError,
    StoreKind, discover, printable,
};
use serde_json::json;

use super::account;
use super::prompt::{self, Countdown};
use crate::args::Login;
use crate::context::{Context, default_server, env, url_of};
use crate::failure::{Failure, NETWORK};
use crate::output::{self, GREEN};

const WORKOS: &str = "https://api.workos.com";
const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

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
    sign_in(context, login, &session).await?;
    if context.current()?.is_none() {
        context.make_current(Some(&context.profile))?;
    }
    let switched = match &login.organization {
        Some(organization) => account::switch_to(&session, organization).await,
        None => Ok(()),
    };
    if session.server().is_some()
        && let Err(failure) = account::fetch(context, &session).await
    {
        output::warn(&format!("The accounts are not known yet: {}", failure.message()));
    }
    switched?;
    greet(context)
}

/// Signs in; the codes and the time left are shown meanwhile.
async fn sign_in(context: &Context<'_>, login: &Login, session: &Session) -> Result<(), Failure> {
    let issuer = &session.provider().issuer;
    let host = Endpoint::parse(issuer).map_or_else(|_| issuer.clone(), |url| url.host().to_owned());
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

fn greet(context: &Context<'_>) -> Result<(), Failure> {
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
    output::note(&format!("  Profile \"{}\", its tokens in {place}.", profile.name));
    if context.profile != context.current()?.unwrap_or_default() {
        let name = &profile.name;
        output::note(&format!("  Run 'ast profile use {name}' to use it without --profile."));
    }
    Ok(())
}

/// Option over environment over profile over default.
async fn session(
    context: &Context<'_>,
    login: &Login,
    before: Option<&Profile>,
) -> Result<Session, Failure> {
    let ca_file = match &login.ca_file {
        // Remembered, so it must not depend on the folder that this was run in.
        Some(path) => Some(std::path::absolute(path).map_err(|error| {
            Failure::usage(format!("The CA file {} cannot be used: {error}.", path.display()))
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
    let provider = provider(login, before, ca_file.as_deref()).await?;
    let server = match context.server_override()? {
        Some(server) => Some(server),
        None => match before.and_then(|profile| profile.server.clone()) {
            Some(server) => Some(server),
            None => default_server()?,
        },
    };
    let is_workos = matches!(provider.dialect, Dialect::WorkOs(_));
    let mut builder = context.builder(&context.profile).provider(provider).store(store);
    match server {
        Some(server) => builder = builder.server(server),
        None if is_workos => return Err(missing("--server URL", "ASTRO_SERVER", "the API server")),
        None => {}
    }
    if let Some(ca_file) = ca_file {
        builder = builder.ca_file(ca_file);
    }
    context.build(builder)
}

fn missing(option: &str, variable: &str, what: &str) -> Failure {
    Failure::usage(format!("Which is {what}? Give {option}, or set {variable}."))
}

/// Where to sign in, with every endpoint found.
async fn provider(
    login: &Login,
    before: Option<&Profile>,
    ca_file: Option<&std::path::Path>,
) -> Result<Provider, Failure> {
    let before = before.and_then(|profile| profile.provider.as_ref());
    let issuer = match (&login.issuer, &login.workos_url) {
        (Some(issuer), _) => Some(issuer.clone()),
        (None, Some(_)) => None,
        (None, None) => env("ASTRO_ISSUER").or_else(|| {
            let standard = before.filter(|provider| provider.dialect == Dialect::Standard);
            standard.map(|provider| provider.issuer.clone())
        }),
    };
    let client_id = login
        .client_id
        .clone()
        .or_else(|| env("ASTRO_CLIENT_ID"))
        .or_else(|| before.map(|provider| provider.client_id.clone()))
        .or_else(|| option_env!("ASTRO_CLIENT_ID").map(str::to_owned))
        .ok_or_else(|| missing("--client-id ID", "ASTRO_CLIENT_ID", "the OAuth client"))?;
    let by_hand = endpoints_by_hand(login)?;
    let Some(issuer) = issuer else {
        let workos = before.filter(|provider| provider.dialect != Dialect::Standard);
        let base = login
            .workos_url
            .as_deref()
            .or_else(|| workos.map(|provider| provider.issuer.as_str()))
            .unwrap_or(WORKOS);
        let base = url_of("--workos-url", base)?;
        let mut provider = Provider::workos(&base, &client_id, Encoding::Json)?;
        let mut endpoints = by_hand;
        if let Some(before) = workos.filter(|before| before.issuer == provider.issuer) {
            endpoints.fill_gaps(before.endpoints.clone());
        }
        endpoints.fill_gaps(provider.endpoints);
        provider.endpoints = endpoints;
        return Ok(provider);
    };
    url_of("--issuer", &issuer)?;
    let same = before.filter(|provider| provider.issuer == issuer);
    let scopes = match (login.scopes.as_slice(), same) {
        ([], Some(provider)) => provider.scopes.clone(),
        ([], None) => SCOPES.map(str::to_owned).to_vec(),
        (scopes, _) => scopes.to_vec(),
    };
    let sufficient = by_hand.device_authorization.is_some() && by_hand.token.is_some();
    let mut endpoints = by_hand;
    match discover(&issuer, ca_file.map(Into::into)).await {
        Ok(found) => endpoints.fill_gaps(found),
        // A server without metadata, all of whose endpoints are known.
        Err(Error::Server(_) | Error::MalformedResponse { .. }) if sufficient => {}
        Err(error @ Error::MalformedResponse { status: 404, .. }) => {
            return Err(Failure::new(
                NETWORK,
                error.code(),
                format!(
                    "There is no provider at {issuer} that can be discovered (HTTP 404). Give --issuer exactly as the server has it, or its endpoints with --endpoint."
                ),
            ));
        }
        Err(error) => return Err(error.into()),
    }
    if let Some(provider) = same {
        endpoints.fill_gaps(provider.endpoints.clone());
    }
    Ok(Provider { issuer, client_id, scopes, endpoints, dialect: Dialect::Standard })
}

fn endpoints_by_hand(login: &Login) -> Result<Endpoints, Failure> {
    let mut endpoints = Endpoints::default();
    for given in &login.endpoints {
        let unknown = || {
            let names = Endpoints::NAMES.join(", ");
            Failure::usage(format!("In --endpoint, give NAME=URL with one of the names {names}."))
        };
        let (name, url) = given.split_once('=').ok_or_else(unknown)?;
        let slot = endpoints.by_name(name).ok_or_else(unknown)?;
        *slot = Some(url_of("--endpoint", url)?);
    }
    Ok(endpoints)
}
