use astropass::printable;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, DIM, GREEN};
use crate::program::Program;

pub(crate) async fn run(context: &Context<'_>) -> Result<(), Failure> {
    let (session, noun) = (context.session()?, Program::running().noun());
    let token = session.token().await?;
    let server = session.server().map(|server| server.as_str().trim_end_matches('/').to_owned());
    let expires_at = token.expires_at();
    if Context::environment_token().is_some() {
        // Nothing is known of a token from outside.
        if context.global.json {
            output::json(&json!({
                noun: null, "provider": null, "server": server, "user": null,
                "expires_at": null, "store": "environment",
            }));
        } else {
            let variable = Program::running().token_variable();
            output::line(&format!("{variable} is used, as it is and unchecked"));
            row("Server", server.as_deref());
        }
        return Ok(());
    }
    let profile = context.signed_in()?;
    let user = profile.user.as_ref();
    if context.global.json {
        let mut shown = json!({
            noun: profile.name,
            "provider": session.provider().issuer,
            "server": server,
            "user": output::user_json(user),
            "expires_at": expires_at.and_then(output::rfc3339),
            "store": profile.store.map(|store| store.as_str()),
        });
        match Program::running() {
            Program::Ast => shown["account"] = output::account_json(profile.account()),
            Program::Astro => {
                shown["organization"] = output::named_json(profile.organization.as_ref());
                shown["workspace"] = output::named_json(profile.workspace.as_ref());
            }
        }
        output::json(&shown);
        return Ok(());
    }
    let expires = expires_at.and_then(|expires_at| {
        let moment = output::rfc3339(expires_at)?;
        Some(format!("{moment} ({})", output::relative(expires_at)))
    });
    output::line(&format!("{GREEN}✓{GREEN:#} Authenticated"));
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
    row("Provider", Some(&session.provider().issuer));
    row("Server", server.as_deref());
    row("Store", profile.store.map(|store| store.as_str()));
    Ok(())
}

fn row(name: &str, value: Option<&str>) {
    if let Some(value) = value {
        output::line(&format!("  {DIM}{name:<12}{DIM:#} {}", printable(value)));
    }
}
