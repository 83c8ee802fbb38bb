use astropass::{Error, Profile, Session, StoreKind, Timestamp, printable};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, DIM, GREEN, YELLOW};
use crate::program::Program;

pub(crate) async fn run(context: &Context<'_>) -> Result<(), Failure> {
    let shown = show(context).await;
    if shown.as_ref().is_err_and(|failure| failure.code == "not_signed_in") {
        point_to_kept(context);
    }
    shown
}

/// Names the last file that could not be read: whoever is missing here may be in it.
fn point_to_kept(context: &Context<'_>) {
    let found = context.home.found().unwrap_or_default();
    if let Some(kept) = found.iter().rfind(|found| found.was_set_aside()) {
        let path = context.home.path().join(&kept.name);
        output::warn(&format!(
            "A credentials file that could not be read is kept as {}. Delete it once nothing in it is needed.",
            printable(&path.to_string_lossy())
        ));
    }
}

async fn show(context: &Context<'_>) -> Result<(), Failure> {
    let session = context.session()?;
    let token = session.token().await;
    let server = server_of(&session);
    if Context::environment_token().is_some() {
        // Nothing is known of a token from outside.
        token?;
        if context.global.json {
            output::json(&shown(&session, None, None, Some("environment")));
        } else {
            let variable = Program::running().token_variable();
            output::line(&format!("{variable} is used, as it is and unchecked"));
            row("Server", server);
        }
        return Ok(());
    }
    let (profile, expires_at, problem) = match token {
        Ok(token) => (context.signed_in()?, token.expires_at(), None),
        Err(error @ (Error::NotSignedIn | Error::SessionOver(_) | Error::SessionChanged)) => {
            return Err(error.into());
        }
        // Who it is, is known all the same, unless that cannot be read either.
        Err(error) => match context.signed_in() {
            Ok(profile) => {
                let expires_at = profile.expires_at;
                (profile, expires_at, Some(error))
            }
            Err(_) => return Err(error.into()),
        },
    };
    if context.global.json {
        let store = profile.store.map(StoreKind::as_str);
        output::json(&shown(&session, Some(&profile), expires_at, store));
    } else {
        output::line(&match problem {
            None => format!("{GREEN}✓{GREEN:#} Authenticated"),
            Some(_) => {
                format!("{YELLOW}!{YELLOW:#} Signed in, but there is no valid token at the moment")
            }
        });
        list(&profile, expires_at, &session.provider().issuer, server);
    }
    problem.map_or(Ok(()), |error| Err(error.into()))
}

/// The lines for people.
fn list(profile: &Profile, expires_at: Option<Timestamp>, issuer: &str, server: Option<&str>) {
    let user = profile.user.as_ref();
    let expires = expires_at.and_then(|expires_at| {
        let moment = output::rfc3339(expires_at)?;
        Some(format!("{moment} ({})", output::relative(expires_at)))
    });
    row("Name", user.and_then(|user| user.name.as_deref()));
    row("Email", user.and_then(|user| user.email.as_deref()));
    row("Account", profile.account().map(|account| account.name.as_str()));
    row("Organization", profile.organization.as_ref().map(|it| it.name.as_str()));
    row("Workspace", profile.workspace.as_ref().map(|it| it.name.as_str()));
    row("ID", user.map(|user| user.id.as_str()));
    row("Expires", expires.as_deref().or(Some("when the server says so")));
    row(
        match Program::running() {
            Program::Ast => "Profile",
            Program::Astro => "Context",
        },
        Some(&profile.name),
    );
    row("Provider", Some(issuer));
    row("Server", server);
    row("Store", profile.store.map(|store| store.as_str()));
}

fn server_of(session: &Session) -> Option<&str> {
    session.server().map(|server| server.as_str().trim_end_matches('/'))
}

/// Without a profile everything that it would know is null.
fn shown(
    session: &Session,
    profile: Option<&Profile>,
    expires_at: Option<Timestamp>,
    store: Option<&str>,
) -> Value {
    let program = Program::running();
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put(program.noun(), json!(profile.map(|profile| &profile.name)));
    put("provider", json!(profile.map(|_| &session.provider().issuer)));
    put("server", json!(server_of(session)));
    put("user", output::user_json(profile.and_then(|profile| profile.user.as_ref())));
    match program {
        Program::Ast => {
            put("account", output::account_json(profile.and_then(Profile::account)));
        }
        Program::Astro => {
            put(
                "organization",
                output::named_json(profile.and_then(|it| it.organization.as_ref())),
            );
            put("workspace", output::named_json(profile.and_then(|it| it.workspace.as_ref())));
        }
    }
    put("expires_at", json!(expires_at.and_then(output::rfc3339)));
    put("store", json!(store));
    Value::Object(shown)
}

fn row(name: &str, value: Option<&str>) {
    if let Some(value) = value {
        // As wide as the longest name that the program has.
        let width = match Program::running() {
            Program::Ast => 9,
            Program::Astro => 12,
        };
        output::line(&format!("  {DIM}{name:<width$}{DIM:#} {}", printable(value)));
    }
}
