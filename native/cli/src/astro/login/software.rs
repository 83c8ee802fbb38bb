use astropass::{Error, Provider, Secret, Session, login_methods, printable};

use super::{Attempt, with_token};
use crate::failure::{Failure, LOGIN_ENDED, USAGE};
use crate::input;

/// Signs in to Astronomer Software: with username and password, or with a token of its token page.
pub(super) async fn sign_in(attempt: &Attempt<'_>) -> Result<Session, Failure> {
    let login = attempt.login;
    if login.email.is_some() || login.organization.is_some() {
        return Err(Failure::usage(format!(
            "{} is an Astronomer Software, which has usernames: leave out --email and --organization.",
            attempt.domain.name()
        )));
    }
    let houston = attempt.domain.api()?;
    let builder = attempt.builder()?.provider(Provider::software(&houston));
    let session = attempt.context.build(builder.server(houston.clone()))?;
    let methods = login_methods(&houston, attempt.ca_file()?).await;
    let methods = methods.map_err(|error| attempt.not_there(error, &houston))?;
    session.prepare_login().await?;
    let wants_token = login.oauth || login.login_link || login.token_login.is_some();
    if !wants_token && methods.local_enabled {
        let host = houston.host();
        let prompt = format!("Username at {host} (leave empty to sign in with an OAuth token): ");
        let username = input::ask(&prompt).await?;
        let username = username.ok_or_else(|| Failure::unanswered("username"))?;
        let username = username.trim();
        if !username.is_empty() {
            let prompt = format!("Password of {username} at {host} (not shown): ");
            let password = input::ask_hidden(&prompt).await?;
            let password = password.ok_or_else(|| Failure::unanswered("password"))?;
            let done = session.login_with_password(username, Secret::new(password)).await;
            done.map_err(|error| refused(error, username, host))?;
            return Ok(session);
        }
    }
    if login.token_login.is_none() && methods.providers.is_empty() {
        return Err(Failure::new(
            USAGE,
            "oauth_disabled",
            format!(
                "OAuth is disabled at {}: it names no provider to sign in with. Sign in with a username and a password.",
                attempt.domain.name()
            ),
        ));
    }
    with_token(&session, attempt.token().await?).await?;
    Ok(session)
}

/// Houston's words for a wrong name or password are not the same in every version.
fn refused(error: Error, username: &str, host: &str) -> Failure {
    match &error {
        Error::Server(server) => Failure::new(
            LOGIN_ENDED,
            "login_refused",
            format!(
                "{host} does not let {} in: {}. Check username and password, or leave the username empty to sign in with an OAuth token.",
                printable(username),
                server.description.as_ref().unwrap_or(&server.code).trim_end_matches('.')
            ),
        ),
        _ => error.into(),
    }
}
