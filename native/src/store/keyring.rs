//! The keyring of the platform, one secret an item.

use astropass_core::StoreError;
use zeroize::Zeroizing;

cfg_if::cfg_if! {
    if #[cfg(any(target_os = "macos", windows))] {
        mod credential_store;
        use credential_store as platform;
    } else {
        mod bus;
        mod secret_service;
        use secret_service as platform;
    }
}

/// Where secret items live.
///
/// All calls block; the caller runs them on a thread of its own with a deadline.
pub trait Items: Send + Sync + 'static {
    /// The largest secret in bytes that one item holds; `None` where the platform names no limit.
    fn limit(&self) -> Option<usize>;

    /// Reads the secret of `name`; `None` if there is no such item.
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Creates the item `name`, or replaces its secret.
    fn write(&self, name: &str, secret: &[u8]) -> Result<(), StoreError>;

    /// Deletes the item `name`; deleting what is not there is fine.
    fn delete(&self, name: &str) -> Result<(), StoreError>;
}

/// Whether the platform may ask a person to unlock the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Nobody is there to answer: a locked keyring is an error at once.
    Never,
    /// Somebody at a terminal may be answering a prompt.
    Allowed,
}

/// The user's keyring: macOS Keychain, Windows Credential Manager, or the Secret Service.
///
/// An item is found by the service and its name (the account), as the keyring family of crates
/// stores them, so that other tools of the platform show it.
#[derive(Clone, Debug)]
pub struct Keyring {
    service: String,
    prompt: Prompt,
}

impl Keyring {
    /// The items of `service` in the user's default keyring; nothing is opened before the first call.
    pub fn new(service: &str, prompt: Prompt) -> Self {
        Self { service: service.to_owned(), prompt }
    }

    /// What the platform calls its keyring.
    pub const PLATFORM: &'static str = platform::NAME;

    /// Whether the keyring is there and unlocked. Nobody is asked and nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Absent`], or what else keeps it from being used.
    pub fn check() -> Result<(), StoreError> {
        platform::check()
    }
}

impl Items for Keyring {
    fn limit(&self) -> Option<usize> {
        platform::LIMIT
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        platform::read(&self.service, name, self.prompt)
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), StoreError> {
        platform::write(&self.service, name, secret, self.prompt)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        platform::delete(&self.service, name, self.prompt)
    }
}
