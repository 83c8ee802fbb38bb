//! Keyrings for tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};

use astropass::{Items, StoreError};
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// The largest secret that Windows' Credential Manager takes (`CRED_MAX_CREDENTIAL_BLOB_SIZE`).
pub(crate) const WINDOWS_LIMIT: usize = 2560;

/// One in memory; its clones share it.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    limit: Option<usize>,
    items: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Memory {
    pub(crate) fn limited() -> Self {
        Self { limit: Some(WINDOWS_LIMIT), ..Self::default() }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.items.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn forget(&self, name: &str) {
        self.items.lock().unwrap().remove(name).expect("there is such an item");
    }

    pub(crate) fn corrupt(&self, name: &str) {
        let mut items = self.items.lock().unwrap();
        items.get_mut(name).expect("there is such an item")[0] ^= 1;
    }
}

impl Items for Memory {
    fn limit(&self) -> Option<usize> {
        self.limit
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.items.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), StoreError> {
        assert!(self.limit.is_none_or(|limit| secret.len() <= limit), "larger than an item can be");
        self.items.lock().unwrap().insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.items.lock().unwrap().remove(name);
        Ok(())
    }
}

/// A call to a keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
    Delete,
}

/// A keyring that first asks `meddle`, for each call, whether and how it fails.
#[derive(Clone)]
pub(crate) struct Meddled<I> {
    pub(crate) items: I,
    meddle: Arc<Meddle>,
}

type Meddle = dyn Fn(Call) -> Result<(), StoreError> + Send + Sync;

impl<I> Meddled<I> {
    pub(crate) fn new(
        items: I,
        meddle: impl Fn(Call) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { items, meddle: Arc::new(meddle) }
    }
}

impl<I: Items> Items for Meddled<I> {
    fn limit(&self) -> Option<usize> {
        self.items.limit()
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        (self.meddle)(Call::Read)?;
        self.items.read(name)
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), StoreError> {
        (self.meddle)(Call::Write)?;
        self.items.write(name, secret)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        (self.meddle)(Call::Delete)?;
        self.items.delete(name)
    }
}

/// Something that hangs until it is released.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<GateState>);

#[derive(Default)]
struct GateState {
    released: Mutex<bool>,
    changed: Condvar,
    entered: Notify,
}

impl Gate {
    /// Hangs.
    pub(crate) fn enter(&self) {
        self.0.entered.notify_one();
        let released = self.0.released.lock().unwrap();
        drop(self.0.changed.wait_while(released, |released| !*released).unwrap());
    }

    /// Resolves once somebody hangs.
    pub(crate) async fn entered(&self) {
        self.0.entered.notified().await;
    }

    pub(crate) fn release(&self) {
        *self.0.released.lock().unwrap() = true;
        self.0.changed.notify_all();
    }
}

/// One that several processes share: a folder with a file for each item.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) PathBuf);

impl Shared {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name.replace('/', "+"))
    }

    pub(crate) fn count(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }
}

impl Items for Shared {
    fn limit(&self) -> Option<usize> {
        Some(WINDOWS_LIMIT)
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(fs::read(self.path(name)).ok().map(Zeroizing::new))
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), StoreError> {
        fs::write(self.path(name), secret).map_err(|error| StoreError::Io(error.to_string()))
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        // It may be gone already.
        drop(fs::remove_file(self.path(name)));
        Ok(())
    }
}
