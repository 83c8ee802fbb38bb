//! The Windows Credential Manager. It is open as long as its user is logged on, and never prompts.

use std::collections::HashMap;

use astropass_core::StoreError;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
pub(super) use windows_native_keyring_store::Store;

use crate::store::keyring::Prompt;

pub(in super::super) const NAME: &str = "Credential Manager";
/// `CRED_MAX_CREDENTIAL_BLOB_SIZE`. It counts bytes, and secrets are stored as bytes: as a password
/// each ASCII character would take two.
pub(in super::super) const LIMIT: Option<usize> = Some(5 * 512);

pub(super) fn entry(store: &Store, service: &str, name: &str) -> Result<Entry, Error> {
    // A session belongs to this machine: "Enterprise", the default, would roam with the user.
    store.build(service, name, Some(&HashMap::from([("persistence", "Local")])))
}

pub(super) fn prompting<T>(
    _: Prompt,
    operation: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    operation()
}

pub(super) fn fault(error: &Error) -> StoreError {
    match error {
        // Only ERROR_NO_SUCH_LOGON_SESSION comes as this: a network logon, as over SSH with a key,
        // has no credential set.
        Error::NoStorageAccess(reason) => StoreError::Absent(reason.to_string()),
        other => StoreError::Unavailable(other.to_string()),
    }
}
