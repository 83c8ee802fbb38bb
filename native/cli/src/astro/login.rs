//! `astro login`: which system the domain is, and how the user signs in there.

mod cloud;
mod software;

use std::path::PathBuf;

use astropass::{
    Builder, Domain, Endpoint, Error, Profile, Secret, Session, StoreKind, System, printable,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::args::Login;
use super::{context, workspace};
use crate::command::login::{before, ca_file, place, store};
use crate::context::Context;
use crate::failure::{Failure, LOGIN_ENDED, NETWORK};
use crate::input;
use crate::output::{self, BOLD, GREEN};

/// What a login at either system is made of.
struct Attempt<'a> {
    context: &'a Context<'a>,
    login: &'a Login,
    domain: Domain,
    before: Option<Profile>,
}

pub(super) async fn run(context: &Context<'_>, login: &Login) -> Result<(), Failure> {
    if Context::environment_token().is_some() {
        output::warn("ASTRO_API_TOKEN is set: other commands use it instead of this login.");
    }
    let domain = context::domain(&context.home, login.domain.as_deref())?;
    let attempt = Attempt { context, login, domain, before: before(context)? };
    let (session, organization) = match attempt.domain.system() {
        System::Cloud => cloud::sign_in(&attempt).await?,
        System::Software => (software::sign_in(&attempt).await?, None),
    };
    if context.current()?.as_deref() != Some(&context.profile) {
        context.make_current(Some(&context.profile))?;
    }
    let organization = organization.as_deref();
    let (before, wanted) = (attempt.before.as_ref(), login.workspace.as_deref());
    let settled = workspace::settle(context, &session, before, organization, wanted).await;
    greet(context)?;
    settled
}

impl Attempt<'_> {
    /// A session at the attempt's place, with what the login's options and the profile say.
    fn builder(&self) -> Result<Builder, Failure> {
        let before = self.before.as_ref();
        let mut builder = self.context.builder(&self.context.profile);
        builder = builder.store(store(self.login.store, before)?);
        if let Some(ca_file) = self.ca_file()? {
            builder = builder.ca_file(ca_file);
        }
        Ok(builder)
    }

    fn ca_file(&self) -> Result<Option<PathBuf>, Failure> {
        ca_file(self.login.ca_file.as_deref(), self.before.as_ref())
    }

    /// The failure to find the system at the domain, whose API would be at `api`.
    fn not_there(&self, error: Error, api: &Endpoint) -> Failure {
        let what = match self.domain.system() {
            System::Cloud => "Astro",
            System::Software => "Astronomer Software",
        };
        match error {
            // There is something, whose CA is to be given.
            error if error.code() == "certificate_refused" => error.into(),
            Error::Http(_) | Error::MalformedResponse(_) | Error::Server(_) => Failure::new(
                NETWORK,
                error.code(),
                format!(
                    "There is no {what} at {}, or {} cannot be reached: {error}. Check the domain and the network.",
                    self.domain.name(),
                    api.origin()
                ),
            ),
            error => error.into(),
        }
    }

    /// The token that the user gives: as an argument, piped in, or asked for beside the page that
    /// shows it.
    async fn token(&self) -> Result<Secret, Failure> {
        let given = match self.login.token_login.as_ref().and_then(Option::as_deref) {
            Some("-") => input::next_line().await?,
            Some(token) => {
                output::warn(
                    "Other users of this machine can see a token among the arguments; '-t -' reads it from standard input.",
                );
                Some(Zeroizing::new(token.to_owned()))
            }
            None => {
                let page = self.domain.token_page()?;
                output::note(&format!("Get a token at\n\n  {BOLD}{page}{BOLD:#}\n"));
                input::ask_hidden("Token (not shown): ").await?
            }
        };
        let token = given.ok_or_else(|| Failure::unanswered("token"))?;
        Secret::token(token.trim().to_owned().into()).ok_or_else(|| {
            Failure::new(
                LOGIN_ENDED,
                "invalid_token",
                "That is no token: it is empty, or has a character that cannot be sent. Copy it again.",
            )
        })
    }
}

/// Signs in with a token that was given; what the server does not take is the user's to mend.
async fn with_token(session: &Session, token: Secret) -> Result<(), Failure> {
    let is_domain = token.expose_secret().contains('.')
        && Domain::parse(token.expose_secret()).is_ok_and(|domain| domain.name().len() < 64);
    session.login_with_token(token).await.map(drop).map_err(|error| match error {
        Error::AccessDenied(_) => {
            let mut message = "The server does not accept the token: it has expired, was revoked, or is for another domain. Get a new one.".to_owned();
            if is_domain {
                message.push_str(" A domain goes before -t: 'astro login DOMAIN -t'.");
            }
            Failure::new(LOGIN_ENDED, "invalid_token", message)
        }
        error => error.into(),
    })
}

fn greet(context: &Context<'_>) -> Result<(), Failure> {
    context.report_notices(true);
    let profile = context.signed_in()?;
    let (user, workspace) = (profile.user.as_ref(), profile.workspace.as_ref());
    let organization = profile.organization.as_ref();
    if context.global.json {
        output::json(&json!({
            "event": "signed_in",
            "context": profile.name,
            "user": output::user_json(user),
            "organization": output::named_json(organization),
            "workspace": output::named_json(workspace),
            "store": profile.store.map(StoreKind::as_str),
            "expires_at": profile.expires_at.and_then(output::rfc3339),
        }));
        return Ok(());
    }
    let name = user.and_then(|user| user.name.as_ref().or(user.email.as_ref()).or(Some(&user.id)));
    let welcome = name.map_or_else(String::new, |name| format!(", {}", printable(name)));
    output::note(&format!("{GREEN}✓{GREEN:#} Welcome{welcome}. You are signed in."));
    let row = |what: &str, name: Option<&String>| {
        if let Some(name) = name {
            output::note(&format!("  {what} \"{}\"", printable(name)));
        }
    };
    row("Organization", organization.map(|it| &it.name));
    row("Workspace", workspace.map(|it| &it.name));
    let place = place(context, &profile);
    output::note(&format!("  Context \"{}\", its tokens in {place}", profile.name));
    Ok(())
}
