//! The login keychain of macOS. An item belongs to the program that created it; another one, or a
//! locked keychain, makes the system ask the user.

use std::sync::{Mutex, PoisonError};

pub(super) use apple_native_keyring_store::keychain::Store;
use astropass_core::StoreError;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use security_framework::base::Error as OsError;
use security_framework::os::macos::keychain::SecKeychain;

use crate::store::keyring::Prompt;

pub(in super::super) const NAME: &str = "Keychain";
/// No limit is documented, and an item is never split here: each one can raise a prompt.
pub(in super::super) const LIMIT: Option<usize> = None;

/// Whether the system may ask is one switch for the whole process, so operations take turns.
static TURN: Mutex<()> = Mutex::new(());

pub(super) fn entry(store: &Store, service: &str, name: &str) -> Result<Entry, Error> {
    store.build(service, name, None)
}

pub(super) fn prompting<T>(
    prompt: Prompt,
    operation: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _silence = match prompt {
        Prompt::Allowed => None,
        Prompt::Never => Some(
            SecKeychain::disable_user_interaction()
                .map_err(|error| Error::PlatformFailure(Box::new(error)))?,
        ),
    };
    operation()
}

/// The codes are those of Security.framework's `SecBase.h`.
pub(super) fn fault(error: &Error) -> StoreError {
    let (Error::PlatformFailure(reason) | Error::NoStorageAccess(reason)) = error else {
        return StoreError::Unavailable(error.to_string());
    };
    let text = reason.to_string();
    match reason.downcast_ref::<OsError>().map(|error| error.code()) {
        // errSecInteractionNotAllowed
        Some(-25308) => StoreError::Locked(
            "its password or your consent is needed, and this run may not ask".to_owned(),
        ),
        // errSecUserCanceled
        Some(-128) => StoreError::Locked("its prompt was dismissed".to_owned()),
        // errSecNotAvailable, errSecNoSuchKeychain, errSecNoDefaultKeychain
        Some(-25291 | -25294 | -25307) => StoreError::Absent(text),
        // wrPermErr, errSecInvalidOwnerEdit, errSecReadOnly, errSecAuthFailed
        Some(-61 | -25244 | -25292 | -25293) => StoreError::Denied(text),
        _ => StoreError::Unavailable(text),
    }
}
