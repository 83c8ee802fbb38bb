//! A temporary home, and stores in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use astropass::{Home, Items, Notice, ProfileStore, StoreChoice, StoreError};
use astropass_core::{Credentials, Revision, Store};
use astropass_tests::HANGS;
use serde_json::Value;
use tempfile::TempDir;

use crate::items::Memory;

/// How long to wait for a lock that somebody gives back.
pub(crate) const LONG: Duration = HANGS;

pub(crate) struct TestHome {
    directory: PathBuf,
    /// Removed at the end.
    #[allow(dead_code, reason = "held, not read")]
    temporary: Option<TempDir>,
    pub(crate) home: Home,
}

impl TestHome {
    pub(crate) fn new() -> Self {
        astropass_tests::logs::keep();
        let temporary = tempfile::Builder::new().prefix("astropass-stores-").tempdir().unwrap();
        let mut home = Self::at(temporary.path());
        home.temporary = Some(temporary);
        home
    }

    /// One that somebody else removes.
    pub(crate) fn at(directory: &Path) -> Self {
        let home = Home::in_directory(directory);
        Self { directory: directory.to_owned(), temporary: None, home }
    }

    /// One whose file says `text`.
    pub(crate) fn with_file(text: &str) -> Self {
        let home = Self::new();
        home.write(text);
        home
    }

    /// The directory that `ASTRO_HOME` would name.
    pub(crate) fn directory(&self) -> PathBuf {
        self.directory.clone()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder().join("credentials.json")
    }

    pub(crate) fn write(&self, text: &str) {
        create_private(&self.folder());
        fs::write(self.file(), text).unwrap();
        restrict(&self.file(), 0o600);
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The names in the folder, but for lock files.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name()).map(OsString::into_string);
        let mut names: Vec<_> = names.map(Result::unwrap).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    }

    /// The one file beside `credentials.json`, whose name has a date.
    pub(crate) fn kept(&self, why: &str) -> PathBuf {
        let prefix = format!("credentials.{why}-20");
        let names = self.names();
        let kept: Vec<_> = names.iter().filter(|name| *name != "credentials.json").collect();
        assert!(kept.len() == 1 && kept[0].starts_with(&prefix), "{names:?}");
        self.folder().join(kept[0])
    }

    /// What the stores of this home said.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.home.take_notices()
    }

    /// A handle on the profile `default` as another process would have it.
    pub(crate) fn store(&self, items: impl Items, choice: StoreChoice) -> ProfileStore {
        self.store_of("default", items, choice)
    }

    /// The same on the profile `name`.
    pub(crate) fn store_of(
        &self,
        name: &str,
        items: impl Items,
        choice: StoreChoice,
    ) -> ProfileStore {
        let home = Home::in_directory(&self.directory);
        ProfileStore::new(&home, name, Arc::new(items), choice, false)
    }

    /// A handle that shares its notices with [`notices`](Self::notices).
    pub(crate) fn heard_store(&self, items: impl Items, choice: StoreChoice) -> ProfileStore {
        ProfileStore::new(&self.home, "default", Arc::new(items), choice, false)
    }

    pub(crate) fn file_store(&self) -> ProfileStore {
        self.heard_store(Memory::default(), StoreChoice::File)
    }
}

/// For what needs no runtime but for a moment.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Saves as a session does: under the lock, and what was there is replaced.
pub(crate) async fn save(
    store: &ProfileStore,
    credentials: &Credentials,
) -> Result<Revision, StoreError> {
    let guard = store.lock(LONG).await?;
    let expected = store.revision().await?;
    store.save(&guard, expected.as_ref(), credentials).await
}

pub(crate) fn create_private(path: &Path) {
    fs::create_dir_all(path).unwrap();
    restrict(path, 0o700);
}

#[cfg(not(unix))]
pub(crate) fn restrict(_: &Path, _: u32) {}

#[cfg(unix)]
pub(crate) fn restrict(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
