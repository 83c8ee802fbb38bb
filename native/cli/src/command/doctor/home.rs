//! The folder of the credentials: its files, their modes and their locks. All calls block.

use std::thread::sleep;
use std::time::{Duration, Instant};

use astropass::diagnose::{Found, Kind, LockName, LockState, Process};
use astropass::{Home, printable};
use serde_json::json;

use super::check::Check;
use crate::program::Program;

/// A lock that is free within this time has done its work.
const PASSING: Duration = Duration::from_secs(2);

/// Looks at the folder and the file of `home`.
pub(super) fn look(home: &Home) -> Vec<Check> {
    let found = home.found();
    let itself = match &found {
        Ok(found) => folder(home, found.first()),
        Err(error) => Check::failure("Home", error.clone()),
    };
    let is_named = std::env::var_os("ASTRO_HOME").is_some_and(|name| !name.is_empty());
    let path = home.path().to_string_lossy();
    let mut checks = vec![itself.fact("path", path).fact("path_is_default", !is_named)];
    let found = found.unwrap_or_default();
    if found.len() > 1 {
        checks.push(file(home, &found));
        checks.extend(others(&found));
        checks.extend(leftovers(home));
    }
    checks
}

fn folder(home: &Home, found: Option<&Found>) -> Check {
    let (name, path) = ("Home", home.path().display());
    let Some(found) = found else {
        return not_there(name, home);
    };
    if found.kind != Kind::Folder {
        let next = "Move it away, or set ASTRO_HOME.";
        return Check::denied(name, format!("{path} is not a folder"), next);
    }
    if !found.is_own {
        return foreign(name, &path.to_string());
    }
    if let Err(error) = home.check_writable() {
        return Check::failure(name, error);
    }
    with_mode(name, path.to_string(), found)
}

/// Nobody has signed in yet: whether somebody could.
fn not_there(name: &'static str, home: &Home) -> Check {
    let message = format!("{} is not there yet", home.path().display());
    match home.place() {
        Ok(place) if place.is_others => Check::warning(
            name,
            format!("{message}, and {} belongs to another user", place.path.display()),
            "Run this as that user, or set ASTRO_HOME.",
        ),
        Ok(_) => Check::ok(name, format!("{message}; the first login makes it")),
        Err(error) => Check::failure(name, error),
    }
}

fn file(home: &Home, found: &[Found]) -> Check {
    let (name, file) = ("File", "credentials.json");
    let Some(found) = found.iter().find(|found| found.name == file) else {
        return Check::ok(name, format!("{file} is not there; nobody has signed in"));
    };
    let profiles = match home.profiles() {
        Ok(profiles) => profiles.len(),
        Err(error) => return Check::failure(name, error),
    };
    if home.is_of_older_client() == Ok(true) {
        return Check::warning(
            name,
            format!("an older client wrote {file}; its profiles are taken over, not its tokens"),
            format!("Run '{} login' once.", Program::running().name()),
        );
    }
    let what = if profiles == 1 { "profile" } else { "profiles" };
    with_mode(name, format!("{file}, {} bytes, {profiles} {what}", found.len), found)
        .fact("profiles", profiles)
}

/// What else is in the folder.
fn others(found: &[Found]) -> Vec<Check> {
    let name = "File";
    let locks = found.iter().filter(|found| found.name.ends_with(".lock") && !found.is_own);
    let mut checks: Vec<_> = locks.map(|lock| foreign(name, &printable(&lock.name))).collect();
    let named = |is: fn(&Found) -> bool| {
        let names = found.iter().filter(|found| is(found));
        names.map(|found| printable(&found.name)).collect::<Vec<_>>().join(", ")
    };
    let kept = named(|found| found.was_set_aside() || found.is_of_older_client());
    if !kept.is_empty() {
        checks.push(Check::warning(
            name,
            format!("kept from before, perhaps with tokens in it: {kept}"),
            "Delete it once nothing in it is needed.",
        ));
    }
    let temporary =
        named(|found| found.name.starts_with(".credentials.") && found.name.ends_with(".tmp"));
    if !temporary.is_empty() {
        checks.push(Check::ok(
            name,
            format!(
                "left by a program that was killed, for the next change to delete: {temporary}"
            ),
        ));
    }
    checks
}

fn foreign(name: &'static str, path: &str) -> Check {
    let next = "Run this as that user, or give it to yourself with chown.";
    Check::denied(name, format!("{path} belongs to another user"), next)
}

fn with_mode(name: &'static str, message: String, found: &Found) -> Check {
    let Some(mode) = found.mode else { return Check::ok(name, message) };
    let message = format!("{message}, mode {mode:04o}");
    let check = if found.is_open_to_others() {
        let next = "The next command restricts it to you.";
        Check::warning(name, format!("{message}: others can read it or look into it"), next)
    } else {
        Check::ok(name, message)
    };
    check.fact("mode", format!("{mode:04o}"))
}

/// Looks who has the locks of `home` and its `profile`, if it is known.
pub(super) fn locks(home: &Home, profile: Option<&str>) -> Vec<Check> {
    let refresh = profile.map(|profile| ("refresh", LockName::Refresh(profile)));
    let locks = refresh.into_iter().chain([("file", LockName::File)]);
    let held = locks.filter_map(|(what, lock)| held(home, what, lock));
    let held: Vec<_> = held.collect();
    match (held.is_empty(), profile) {
        (false, _) => held,
        (true, Some(_)) => vec![Check::ok("Lock", "free, for refreshes and for the file")],
        (true, None) => vec![Check::ok("Lock", "free, for the file")],
    }
}

fn held(home: &Home, what: &'static str, lock: LockName<'_>) -> Option<Check> {
    let name = "Lock";
    let deadline = Instant::now() + PASSING;
    let holders = loop {
        match home.lock_state(lock) {
            Ok(LockState::Free) => return None,
            Ok(LockState::Held(holders)) if Instant::now() >= deadline => break holders,
            Ok(LockState::Held(_)) => sleep(Duration::from_millis(50)),
            Err(error) => return Some(Check::failure(name, error).fact("lock", what)),
        }
    };
    let by = match holders.as_slice() {
        [] => "a process that the system does not name".to_owned(),
        holders => holders.iter().map(words).collect::<Vec<_>>().join(" and "),
    };
    let processes: Vec<_> =
        holders.iter().map(|one| json!({"pid": one.id, "program": one.program})).collect();
    let held = Check::warning(
        name,
        format!("the {what} lock is held by {by}, for more than {} seconds", PASSING.as_secs()),
        "It may be storing a session, or ask for the keyring's password: answer that, or wait two minutes. Then interrupt it (Ctrl-C); it still finishes what must not be cut off.",
    );
    Some(held.fact("lock", what).fact("holders", processes))
}

fn words(process: &Process) -> String {
    let program = process.program.as_deref().map_or_else(|| "a program".to_owned(), printable);
    format!("{program} (process {})", process.id)
}

/// What earlier sessions left in the keyring.
fn leftovers(home: &Home) -> Option<Check> {
    let left = home.leftovers().ok()?;
    let items: u64 = left.iter().map(|one| one.items).sum();
    let mut profiles: Vec<_> = left.iter().map(|one| printable(&one.profile)).collect();
    profiles.dedup();
    let name = "Leftovers";
    Some(match profiles.as_slice() {
        [] => Check::ok(name, "none").fact("items", 0),
        profiles => Check::warning(
            name,
            format!(
                "{items} keyring items of earlier sessions are to be deleted, of profile {}",
                profiles.join(", ")
            ),
            "Unlock the keyring: the next refresh, login or logout deletes them.",
        )
        .fact("items", items),
    })
}
