//! Items of the macOS Keychain and the Windows Credential Manager, through the keyring family.

use astropass_core::StoreError;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::Prompt;

cfg_if::cfg_if! {
    if #[cfg(windows)] {
        mod windows;
        use windows as system;
    } else {
        mod macos;
        use macos as system;
    }
}

pub(super) use system::{LIMIT, NAME};

/// Looks for an item that nobody has.
pub(super) fn check() -> Result<(), StoreError> {
    read("astropass", "check", Prompt::Never).map(drop)
}

pub(super) fn read(
    service: &str,
    name: &str,
    prompt: Prompt,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    with_entry(service, name, prompt, |entry| match entry.get_secret() {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
}

pub(super) fn write(
    service: &str,
    name: &str,
    secret: &[u8],
    prompt: Prompt,
) -> Result<(), StoreError> {
    with_entry(service, name, prompt, |entry| entry.set_secret(secret))
}

pub(super) fn delete(service: &str, name: &str, prompt: Prompt) -> Result<(), StoreError> {
    with_entry(service, name, prompt, |entry| match entry.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        deleted => deleted,
    })
}

fn with_entry<T>(
    service: &str,
    name: &str,
    prompt: Prompt,
    operation: impl FnOnce(&Entry) -> Result<T, Error>,
) -> Result<T, StoreError> {
    let store = system::Store::new().map_err(|error| fault(&error))?;
    let entry = system::entry(&store, service, name).map_err(|error| fault(&error))?;
    system::prompting(prompt, || operation(&entry)).map_err(|error| fault(&error))
}

/// What an error means for a keyring.
fn fault(error: &Error) -> StoreError {
    match error {
        Error::TooLong(what, limit) => {
            StoreError::TooLarge(format!("the {what} may have at most {limit} bytes"))
        }
        Error::BadDataFormat(..) | Error::BadStoreFormat(_) | Error::Ambiguous(_) => {
            StoreError::Corrupt("the item is not one that this program wrote".to_owned())
        }
        other => system::fault(other),
    }
}
