//! What to look at when something does not work: facts without secrets, and nothing is changed.
//!
//! The session itself is looked at through [`Home::read_only`].

mod files;
mod lock;
mod proxy;
mod server;

pub use self::files::{Found, Kind, Place};
pub use self::lock::{LockName, LockState, Process};
pub use self::proxy::{ProxyVariable, proxies};
pub use self::server::{Reached, check_authorities, reach};

use astropass_core::StoreError;

use crate::Home;

/// Items of earlier sessions that are listed to be deleted from the keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Whose session it was
    pub profile: String,
    /// How many items
    pub items: u64,
}

impl Home {
    /// The same home, to be looked at: reading repairs no mode and takes no older client's file
    /// over, and whatever would write fails with [`StoreError::Denied`].
    #[must_use]
    pub fn read_only(&self) -> Self {
        Self { folder: self.folder.read_only(), notices: self.notices.clone() }
    }

    /// The folder and what is in it, in the order of the names. Empty if there is no folder.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn found(&self) -> Result<Vec<Found>, StoreError> {
        files::found(self.path())
    }

    /// Whether files can be made in the folder, as far as that shows without making one.
    ///
    /// # Errors
    /// [`StoreError::Denied`] and, on a full disk, [`StoreError::Io`].
    pub fn check_writable(&self) -> Result<(), StoreError> {
        files::check_writable(self.path())
    }

    /// Where the folder would be made, if that can be done, as far as it shows without making one.
    ///
    /// # Errors
    /// [`StoreError::Denied`] and [`StoreError::Io`], as [`check_writable`](Self::check_writable).
    pub fn place(&self) -> Result<Place, StoreError> {
        files::place(self.path())
    }

    /// Whether an older client wrote `credentials.json`, which the next command takes over.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn is_of_older_client(&self) -> Result<bool, StoreError> {
        self.folder.is_older_clients()
    }

    /// Who holds a lock of this home.
    ///
    /// # Errors
    /// If the lock's file cannot be looked at.
    pub fn lock_state(&self, name: LockName<'_>) -> Result<LockState, StoreError> {
        lock::state(&match name {
            LockName::Refresh(profile) => self.folder.refresh_lock(profile),
            LockName::File => self.folder.file_lock(),
        })
    }

    /// What is still to be swept, of every profile.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn leftovers(&self) -> Result<Vec<Leftover>, StoreError> {
        let swept = self.folder.document()?.sweep().into_iter();
        Ok(swept.map(|one| Leftover { profile: one.profile, items: one.items }).collect())
    }
}
