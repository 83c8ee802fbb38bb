//! The keyring, and which store is used.

use astropass::{Keyring, StoreChoice, StoreError, StoreKind};

use super::check::Check;
use super::{Subject, environment, on_thread};

/// What the keyring says of itself.
pub(super) type State = Result<(), StoreError>;

pub(super) async fn keyring() -> State {
    let late = || StoreError::Unavailable("nothing came in time".to_owned());
    on_thread(Keyring::check).await.unwrap_or_else(|| Err(late()))
}

/// The keyring and the choice, which explain each other.
pub(super) fn checks(subject: &Subject, keyring: &State) -> [Check; 2] {
    let profile = subject.profile.as_ref();
    let kind = profile.and_then(|profile| profile.store);
    let of_environment = environment::store_choice().ok().flatten();
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
        Err(_) if !is_needed => Check::ok(name, format!("{message}; it is not needed")),
        Err(StoreError::Absent(_)) if kind.is_none() && choice == StoreChoice::Auto => {
            let next = "To keep tokens in the keyring, start it before the login.";
            Check::warning(name, message, next)
        }
        Err(error) => Check::failure(name, error.clone()).message(message),
    };
    check.fact("platform", platform).fact("state", word)
}

fn chosen(subject: &Subject, choice: StoreChoice, keyring: &State) -> Check {
    let profile = subject.profile.as_ref();
    let kind = profile.and_then(|profile| profile.store);
    let message = match (kind, profile) {
        (Some(kind), Some(profile)) => {
            let before = profile.store_choice;
            let why = match (before, kind) {
                (StoreChoice::Auto, StoreKind::Keyring) => "auto found one at the login".to_owned(),
                (StoreChoice::Auto, StoreKind::File) => {
                    "auto found no keyring at the login".to_owned()
                }
                _ => format!("the login was asked for {}", before.as_str()),
            };
            let next = match choice == before {
                true => String::new(),
                false => format!(", and ASTRO_STORE asks the next one for {}", choice.as_str()),
            };
            format!("the tokens are in {}: {why}{next}", place(kind))
        }
        _ => match (choice, keyring) {
            (StoreChoice::Auto, Ok(())) => {
                "a login would use the keyring: auto finds one".to_owned()
            }
            (StoreChoice::Auto, Err(StoreError::Absent(_))) => {
                format!("a login would use {}: auto finds no keyring", place(StoreKind::File))
            }
            (StoreChoice::Auto, Err(_)) => {
                "a login would fail: auto uses a file only where there is no keyring".to_owned()
            }
            (StoreChoice::Keyring, _) => {
                "a login would use the keyring, and nothing else".to_owned()
            }
            (StoreChoice::File, _) => format!("a login would use {}", place(StoreKind::File)),
        },
    };
    Check::ok("Store", message)
        .fact("store", kind.map(StoreKind::as_str))
        .fact("choice", choice.as_str())
}

fn place(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Keyring => "the keyring",
        StoreKind::File => "credentials.json",
    }
}
