//! The keyring, and which store is used.

use astropass::{Keyring, StoreChoice, StoreError, StoreKind};

use super::check::{Check, see_above};
use super::{Subject, on_thread};
use crate::context::store_of_environment;

const STORE: &str = "Store";

/// What the keyring says of itself.
pub(super) type State = Result<(), StoreError>;

pub(super) async fn keyring() -> State {
    let late = || StoreError::Unavailable("nothing came in time".to_owned());
    on_thread(Keyring::check).await.unwrap_or_else(|| Err(late()))
}

/// The keyring and the choice, which explain each other.
pub(super) fn checks(subject: &Subject, keyring: &State) -> [Check; 2] {
    let profile = subject.profile();
    let kind = profile.and_then(|profile| profile.store);
    let of_environment = store_of_environment().ok().flatten();
    let choice = of_environment.or(profile.map(|profile| profile.store_choice)).unwrap_or_default();
    [state(kind, choice, keyring), chosen(subject, choice, keyring)]
}

fn state(kind: Option<StoreKind>, choice: StoreChoice, keyring: &State) -> Check {
    let (name, platform) = ("Keyring", Keyring::PLATFORM);
    let is_needed = match kind {
        Some(kind) => kind == StoreKind::Keyring,
        None => choice != StoreChoice::File,
    };
    let (word, what) = match keyring {
        Ok(()) => ("unlocked", "unlocked".to_owned()),
        Err(StoreError::Locked(detail)) => ("locked", format!("locked: {detail}")),
        Err(StoreError::Absent(detail)) => ("absent", format!("absent: {detail}")),
        Err(StoreError::Denied(detail)) => ("denied", format!("it refuses access: {detail}")),
        Err(StoreError::Unavailable(detail)) => ("unavailable", format!("no answer: {detail}")),
        Err(error) => ("unavailable", error.to_string()),
    };
    let message = format!("{platform}, {what}");
    let check = match keyring {
        Ok(()) => Check::ok(name, message),
        Err(_) if !is_needed => Check::ok(name, format!("{message}; it is not needed now")),
        Err(StoreError::Absent(_)) if kind.is_none() && choice == StoreChoice::Auto => {
            let next = "To keep tokens in the keyring, start it before the login.";
            Check::warning(name, message, next)
        }
        Err(error) => Check::failure(name, error.clone()).message(message),
    };
    check.fact("platform", platform).fact("state", word)
}

fn chosen(subject: &Subject, choice: StoreChoice, keyring: &State) -> Check {
    let profile = subject.profile();
    let kind = profile.and_then(|profile| profile.store);
    let check = match (&subject.meant, kind, profile) {
        (_, Some(kind), Some(profile)) => used(kind, profile.store_choice, choice, keyring),
        (Err(unknown), ..) => Check::unknown(STORE, *unknown),
        _ => match login(choice, keyring) {
            Ok(place) => Check::ok(STORE, format!("a login would use {place}")),
            // The keyring's own line says what to do.
            Err(why) => {
                Check::warning(STORE, format!("a login would fail: {why}"), see_above("Keyring"))
            }
        },
    };
    check.fact("store", kind.map(StoreKind::as_str)).fact("choice", choice.as_str())
}

/// The store that a login `before` has chosen, beside what the next one is asked for.
fn used(kind: StoreKind, before: StoreChoice, choice: StoreChoice, keyring: &State) -> Check {
    let why = match (before, kind) {
        (StoreChoice::Auto, StoreKind::Keyring) => "auto found one at the login".to_owned(),
        (StoreChoice::Auto, StoreKind::File) => "auto found no keyring at the login".to_owned(),
        _ => format!("the login was asked for {}", before.as_str()),
    };
    let message = format!("the tokens are in {}: {why}", place(kind));
    if choice == before {
        return Check::ok(STORE, message);
    }
    let wanted = choice.as_str();
    let message = format!("{message}, and ASTRO_STORE asks the next one for {wanted}");
    match login(choice, keyring) {
        Ok(_) => Check::ok(STORE, message),
        Err(_) => {
            let next = "Before the next login start or unlock the keyring, or unset ASTRO_STORE.";
            Check::warning(STORE, format!("{message}, which would fail"), next)
        }
    }
}

/// Where a login would keep its tokens, or why it would not find a place.
fn login(choice: StoreChoice, keyring: &State) -> Result<String, &'static str> {
    let file = place(StoreKind::File);
    match (choice, keyring) {
        (StoreChoice::File, _) => Ok(file.to_owned()),
        (StoreChoice::Auto, Ok(())) => Ok("the keyring: auto finds one".to_owned()),
        (StoreChoice::Keyring, Ok(())) => Ok("the keyring, and nothing else".to_owned()),
        (StoreChoice::Auto, Err(StoreError::Absent(_))) => {
            Ok(format!("{file}: auto finds no keyring"))
        }
        (StoreChoice::Auto, Err(_)) => Err("auto uses a file only where there is no keyring"),
        (StoreChoice::Keyring, Err(_)) => Err("it was asked for the keyring and nothing else"),
    }
}

fn place(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Keyring => "the keyring",
        StoreKind::File => "credentials.json",
    }
}
