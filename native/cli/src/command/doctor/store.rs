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
    [state(kind, choice, keyring), chosen(kind, choice, keyring)]
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

fn chosen(kind: Option<StoreKind>, choice: StoreChoice, keyring: &State) -> Check {
    let asked = format!("{} was asked for", choice.as_str());
    let message = match (kind, choice, keyring) {
        (Some(StoreKind::Keyring), StoreChoice::Auto, _) => {
            "the tokens are in the keyring: auto found one at the login".to_owned()
        }
        (Some(StoreKind::File), StoreChoice::Auto, _) => {
            "the tokens are in credentials.json: auto found no keyring at the login".to_owned()
        }
        (Some(StoreKind::Keyring), ..) => format!("the tokens are in the keyring: {asked}"),
        (Some(StoreKind::File), ..) => format!("the tokens are in credentials.json: {asked}"),
        (None, StoreChoice::Auto, Ok(())) => {
            "a login would use the keyring: auto finds one".to_owned()
        }
        (None, StoreChoice::Auto, Err(StoreError::Absent(_))) => {
            "a login would use credentials.json: auto finds no keyring".to_owned()
        }
        (None, StoreChoice::Auto, Err(_)) => {
            "a login would fail: auto uses a file only where there is no keyring".to_owned()
        }
        (None, StoreChoice::Keyring, _) => format!("a login would use the keyring: {asked}"),
        (None, StoreChoice::File, _) => format!("a login would use credentials.json: {asked}"),
    };
    Check::ok("Store", message)
        .fact("store", kind.map(StoreKind::as_str))
        .fact("choice", choice.as_str())
}
