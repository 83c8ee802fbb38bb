use astropass::{BrowserLogin, Endpoint, Session, find_organization, login_server, printable};

use super::{Attempt, with_token};
use crate::astro::args::email_address;
use crate::command::browser::{self, Manner};
use crate::context::Context;
use crate::failure::Failure;
use crate::{input, output};

/// Signs in to Astro: in a browser, with the organization that the user's e-mail address belongs
/// to, or with a token. Gives the organization too, where it is known.
pub(super) async fn sign_in(attempt: &Attempt<'_>) -> Result<(Session, Option<String>), Failure> {
    let login = attempt.login;
    if login.oauth {
        return Err(Failure::usage(format!(
            "-o is for Astronomer Software; leave it out, since {} always signs in with OAuth.",
            attempt.domain.name()
        )));
    }
    let api = attempt.domain.api()?;
    let ca_file = attempt.ca_file()?;
    let server = login_server(&api, ca_file.clone()).await;
    let server = server.map_err(|error| attempt.not_there(error, &api))?;
    let builder = attempt.builder()?.provider(server.provider()?).server(api.clone());
    let session = attempt.context.build(builder)?;
    if login.token_login.is_some() {
        session.prepare_login().await?;
        with_token(&session, attempt.token().await?).await?;
        return Ok((session, login.organization.clone()));
    }
    let email = email(attempt).await?;
    let organization = match (&login.organization, &email) {
        (None, Some(email)) if server.organization_first => {
            organization(&api, email, attempt).await?
        }
        (organization, _) => organization.clone(),
    };
    let mut browser = BrowserLogin::default();
    if let Some(email) = &email {
        browser = browser.login_hint(email);
    }
    if let Some(organization) = &organization {
        browser = browser.organization(organization);
    }
    let manner = Manner {
        opens: !login.login_link,
        json: attempt.context.global.json,
        link_option: "--login-link",
    };
    browser::sign_in(&session, browser, manner).await?;
    if let Some(email) = &email {
        attempt.context.home.set_email(&attempt.context.profile, email)?;
    }
    // The login server has ids of its own: what the API has is told by the token.
    Ok((session, None))
}

/// The address that the user gives, with the last one at hand; `None` where nobody is there to ask
/// and there was none.
async fn email(attempt: &Attempt<'_>) -> Result<Option<String>, Failure> {
    let remembered = attempt.before.as_ref().and_then(|profile| profile.email.clone());
    if let Some(email) = &attempt.login.email {
        return Ok(Some(email.clone()));
    }
    if !Context::attended() {
        return Ok(remembered);
    }
    loop {
        let offered = remembered.as_ref().map(|email| format!(" [{}]", printable(email)));
        let prompt = format!("E-mail address{}: ", offered.unwrap_or_default());
        let answer = input::ask(&prompt).await?;
        let answer = answer.ok_or_else(|| Failure::unanswered("e-mail address"))?;
        match (answer.trim(), &remembered) {
            ("", Some(email)) => return Ok(Some(email.clone())),
            ("", None) => return Ok(None),
            (email, _) => match email_address(email) {
                Ok(email) => return Ok(Some(email)),
                Err(problem) => output::note(&problem),
            },
        }
    }
}

/// The organization of the user with this `email`. Where it cannot be had, the login server asks.
async fn organization(
    api: &Endpoint,
    email: &str,
    attempt: &Attempt<'_>,
) -> Result<Option<String>, Failure> {
    match find_organization(api, email, attempt.ca_file()?).await {
        Ok(None) => {
            output::note(&format!(
                "No organization is known for {}; you can choose one in the browser.",
                printable(email)
            ));
            Ok(None)
        }
        Ok(organization) => Ok(organization),
        Err(error) => {
            output::warn(&format!("The organization is not known yet: {error}."));
            Ok(None)
        }
    }
}
