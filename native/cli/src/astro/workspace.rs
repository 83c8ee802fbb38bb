//! The workspaces of the organization, or of the installation, that the user is signed in to.

use astropass::{Error, Named, Profile, Session, printable};
use serde_json::json;

use super::args::Workspace;
use crate::context::Context;
use crate::failure::{Failure, USAGE};
use crate::input;
use crate::output::{self, BOLD, GREEN};

pub(super) async fn run(context: &Context<'_>, command: &Workspace) -> Result<(), Failure> {
    let session = context.session()?;
    let before = context.home.profile(&context.profile)?;
    let organization = before.as_ref().and_then(|profile| profile.organization.clone());
    let found = session.workspaces(organization.as_ref().map(|it| it.id.as_str())).await?;
    let current = before.as_ref().and_then(|profile| profile.workspace.as_ref());
    let name = match command {
        Workspace::List => {
            list(context, &found.workspaces, current);
            return Ok(());
        }
        Workspace::Switch { name } => name.as_deref(),
    };
    if Context::environment_token().is_some() {
        return Err(Failure::usage(
            "The token in ASTRO_API_TOKEN has no workspace that could be kept. Unset it to use your login's.",
        ));
    }
    let workspace = match name {
        Some(name) => find(&found.workspaces, name)?,
        None if found.workspaces.is_empty() => return Err(none()),
        None => choose(&found.workspaces, current).await?.ok_or_else(|| {
            Failure::usage(
                "Which workspace? Give its name or id, as 'astro workspace list' shows it.",
            )
        })?,
    };
    let user = before.as_ref().and_then(|profile| profile.identity.as_ref());
    let user = user.ok_or(Error::NotSignedIn)?;
    let organization = found.organization.as_ref();
    context.home.set_workspace(&context.profile, user, organization, Some(workspace))?;
    if context.global.json {
        let workspace = output::named_json(Some(workspace));
        output::json(&json!({"event": "workspace_chosen", "workspace": workspace}));
    } else {
        let name = printable(&workspace.name);
        output::note(&format!("{GREEN}✓{GREEN:#} Using workspace \"{name}\""));
    }
    Ok(())
}

fn list(context: &Context<'_>, workspaces: &[Named], current: Option<&Named>) {
    for workspace in workspaces {
        let is_current = current.is_some_and(|current| current.id == workspace.id);
        if context.global.json {
            output::json(&json!({
                "id": workspace.id, "name": workspace.name, "current": is_current,
            }));
            continue;
        }
        let mark = if is_current { "*" } else { " " };
        let (name, id) = (printable(&workspace.name), printable(&workspace.id));
        output::line(&format!("{mark} {name:<32} {id}"));
    }
    if workspaces.is_empty() && !context.global.json {
        output::note(none().message());
    }
}

fn none() -> Failure {
    Failure::new(
        USAGE,
        "no_workspace",
        "There is no workspace that you may use. Ask who administers it to add you to one.",
    )
}

/// Looks for a workspace after a login and keeps it: the one that `wanted` names, the only one, the
/// last one used, or the user's choice.
pub(super) async fn settle(
    context: &Context<'_>,
    session: &Session,
    before: Option<&Profile>,
    organization: Option<&str>,
    wanted: Option<&str>,
) -> Result<(), Failure> {
    let user = session.credentials().await?;
    let found = session.workspaces(organization).await?;
    let organization_found = found.organization.as_ref();
    let keep = |workspace| {
        let home = &context.home;
        home.set_workspace(&context.profile, &user.identity, organization_found, workspace)
    };
    let is = |id| found.organization.as_ref().is_some_and(|it| it.id == id);
    if let Some(id) = organization.filter(|id| !is(*id)) {
        keep(None)?;
        return Err(Failure::new(
            USAGE,
            "no_such_organization",
            format!(
                "There is no organization {id:?} that you may use. Give another one to --organization, or leave it out."
            ),
        ));
    }
    let subject = |profile: &Profile| profile.identity.as_ref()?.subject.clone();
    let now = subject(&context.signed_in()?);
    // Another user's is not this one's.
    let before =
        before.filter(|before| now.is_none() || subject(before).is_none_or(|it| Some(it) == now));
    let last = before.and_then(|profile| profile.workspace.as_ref());
    let last = last.and_then(|last| found.workspaces.iter().find(|it| it.id == last.id));
    let chosen = match (wanted, found.workspaces.as_slice()) {
        (Some(name), workspaces) => find(workspaces, name).map(Some),
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(only)),
        (None, workspaces) => match last {
            Some(last) => Ok(Some(last)),
            None => choose(workspaces, None).await,
        },
    };
    let workspace = match chosen {
        Ok(workspace) => workspace,
        Err(failure) => {
            keep(None)?;
            return Err(failure);
        }
    };
    keep(workspace)?;
    match (workspace, found.workspaces.as_slice()) {
        (None, []) => output::warn(none().message()),
        (None, _) => output::warn(
            "No workspace is chosen. Run 'astro workspace switch' to choose one of several.",
        ),
        _ => {}
    }
    Ok(())
}

/// By id, or else by a name that only one has.
fn find<'a>(workspaces: &'a [Named], name: &str) -> Result<&'a Named, Failure> {
    let failure = |code, what: &str| {
        let list = "Run 'astro workspace list' to see them.";
        Failure::new(USAGE, code, format!("{what} {name:?}.")).advise(list)
    };
    if let Some(workspace) = workspaces.iter().find(|workspace| workspace.id == name) {
        return Ok(workspace);
    }
    let mut named = workspaces.iter().filter(|it| it.name.eq_ignore_ascii_case(name));
    match (named.next(), named.next()) {
        (Some(workspace), None) => Ok(workspace),
        (Some(_), Some(_)) => {
            Err(failure("ambiguous_workspace", "Give the id: several workspaces are called"))
        }
        (None, _) => Err(failure("no_such_workspace", "There is no workspace")),
    }
}

/// Lets the user choose from a menu, which an empty answer leaves with the `current` one; `None`
/// where nobody is there, or nothing is chosen.
async fn choose<'a>(
    workspaces: &'a [Named],
    current: Option<&Named>,
) -> Result<Option<&'a Named>, Failure> {
    if !Context::attended() {
        return Ok(None);
    }
    let current = current.and_then(|current| workspaces.iter().find(|it| it.id == current.id));
    let otherwise = current.map_or("none", |current| &current.name);
    output::note("\nWorkspaces:");
    for (index, workspace) in workspaces.iter().enumerate() {
        let number = index + 1;
        output::note(&format!("  {BOLD}{number:>3}{BOLD:#}  {}", printable(&workspace.name)));
    }
    loop {
        let count = workspaces.len();
        let prompt =
            format!("Which one? (1-{count}, or its name; empty for {}): ", printable(otherwise));
        let Some(answer) = input::ask(&prompt).await? else { return Ok(current) };
        let answer = answer.trim();
        if answer.is_empty() {
            return Ok(current);
        }
        let index = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        if let Some(workspace) = index.and_then(|index| workspaces.get(index)) {
            return Ok(Some(workspace));
        }
        match find(workspaces, answer) {
            Ok(workspace) => return Ok(Some(workspace)),
            Err(failure) => output::note(failure.happened()),
        }
    }
}
