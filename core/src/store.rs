mod memory;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::Credentials;
use crate::wire::concat;

pub use self::memory::{MemoryGuard, MemoryStore};

/// Which state of a profile was read: a random name, never used again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revision(pub String);

/// What [`Store::clear`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// Everything is deleted.
    Everything,
    /// The profile is signed out, but a secret that could not be deleted yet is noted to be swept.
    LeftToSweep,
}

/// Where the credentials of one profile are kept.
///
/// Every call ends within a deadline of the implementation's, with an error if it must.
pub trait Store {
    /// The profile's refresh lock, held until it is dropped, by this process and against all others.
    type Guard;

    /// The revision stored now; it costs a `stat` or its equal. `None` if nobody is signed in.
    fn revision(&self) -> impl Future<Output = Result<Option<Revision>, StoreError>>;

    /// Reads the credentials.
    fn load(
        &self,
    ) -> impl Future<Output = Result<Option<(Revision, Arc<Credentials>)>, StoreError>>;

    /// Takes the refresh lock, or fails with [`StoreError::Busy`] after `wait`.
    fn lock(&self, wait: Duration) -> impl Future<Output = Result<Self::Guard, StoreError>>;

    /// Makes sure that credentials can be written, read back and deleted here, at this moment.
    fn probe(&self, guard: &Self::Guard) -> impl Future<Output = Result<(), StoreError>>;

    /// Stores `credentials` durably if the profile is still at `expected`, else [`StoreError::Changed`].
    fn save(
        &self,
        guard: &Self::Guard,
        expected: Option<&Revision>,
        credentials: &Credentials,
    ) -> impl Future<Output = Result<Revision, StoreError>>;

    /// Signs the profile out if it is still at `expected`, else [`StoreError::Changed`].
    fn clear(
        &self,
        guard: &Self::Guard,
        expected: &Revision,
    ) -> impl Future<Output = Result<Cleared, StoreError>>;
}

/// What is wrong with a store.
///
/// Each text says what was seen, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// What the profile refers to is not there.
    Missing(String),
    /// It needs to be unlocked by its user.
    Locked(String),
    /// There is no such store on this machine.
    Absent(String),
    /// It is there, and does not answer or cannot be reached.
    Unavailable(String),
    /// The system refuses access.
    Denied(String),
    /// A secret does not fit.
    TooLarge(String),
    /// What is there cannot be read as credentials.
    Corrupt(String),
    /// A newer version of this program wrote it.
    Newer(String),
    /// Reading or writing failed, as on a full disk.
    Io(String),
    /// Another process held the lock for longer than the wait.
    Busy,
    /// The profile is no longer at the revision that was read.
    Changed,
}

impl StoreError {
    /// A stable name; see [`Error::code`](crate::Error::code).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "store_missing",
            Self::Locked(_) => "store_locked",
            Self::Absent(_) => "store_absent",
            Self::Unavailable(_) => "store_unavailable",
            Self::Denied(_) => "store_denied",
            Self::TooLarge(_) => "store_too_large",
            Self::Corrupt(_) => "store_corrupt",
            Self::Newer(_) => "store_newer",
            Self::Io(_) => "store_io",
            Self::Busy => "store_busy",
            Self::Changed => "store_changed",
        }
    }
}

impl StoreError {
    pub(crate) fn message(&self) -> String {
        let (what, detail) = match self {
            Self::Missing(detail) => {
                ("the stored credentials are not where they should be", detail)
            }
            Self::Locked(detail) => ("the credential store is locked", detail),
            Self::Absent(detail) => ("there is no such credential store here", detail),
            Self::Unavailable(detail) => ("the credential store does not answer", detail),
            Self::Denied(detail) => ("the credential store refuses access", detail),
            Self::TooLarge(detail) => ("the credentials are too large for the store", detail),
            Self::Corrupt(detail) => ("the stored credentials cannot be read", detail),
            Self::Newer(detail) => ("a newer version wrote the stored credentials", detail),
            Self::Io(detail) => ("the credential store failed", detail),
            Self::Busy => {
                return "another process is refreshing this session and does not finish".to_owned();
            }
            Self::Changed => {
                return "the stored credentials were changed at the same time".to_owned();
            }
        };
        match detail.as_str() {
            "" => what.to_owned(),
            detail => concat(&[what, ": ", detail]),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for StoreError {}

/// Whether `name` can name a profile: it is safe in a file's name and in a keyring item's, on every
/// system.
pub fn is_profile_name(name: &str) -> bool {
    // With what stands around it in the name of a lock file, 255 bytes.
    (1..=242).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && !name.ends_with(".")
}
