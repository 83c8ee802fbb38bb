//! Where a profile's credentials are kept: the keyring and `credentials.json`, or that file alone.

mod document;
mod file;
mod keyring;
mod notice;
mod vault;

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use astropass_core::{Cleared, Credentials, Revision, Store, StoreError};

pub(crate) use self::document::{Document, is_profile_name};
pub(crate) use self::file::Folder;
pub use self::keyring::{Items, Keyring, Prompt};
pub use self::notice::Notice;
pub(crate) use self::notice::Notices;
use self::vault::Vault;

/// Which store a login is to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// The keyring, or the file where there is none.
    #[default]
    Auto,
    /// The keyring, or an error.
    Keyring,
    /// The file.
    File,
}

impl FromStr for StoreChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "keyring" => Ok(Self::Keyring),
            "file" => Ok(Self::File),
            _ => Err("a store is auto, keyring or file"),
        }
    }
}

impl StoreChoice {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }
}

/// Where tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// In the platform's keyring
    Keyring,
    /// In `credentials.json`
    File,
}

impl StoreKind {
    /// `keyring` or `file`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Keyring, Self::File].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long a keyring may take where nobody is there to answer a prompt.
const UNATTENDED: Duration = Duration::from_secs(3);
/// How long where somebody may be typing the keyring's password.
const ATTENDED: Duration = Duration::from_secs(60);
/// What the file may take besides.
const FILE: Duration = Duration::from_secs(5);
/// How often a refresh lock that is taken is tried again.
const LOCK_POLL: Duration = Duration::from_millis(10);

/// One profile's [`Store`].
#[derive(Clone)]
pub struct ProfileStore {
    vault: Arc<Vault>,
    choice: StoreChoice,
    /// What `choice` came to, once the keyring was asked.
    resolved: Arc<Mutex<Option<StoreKind>>>,
    notices: Notices,
    deadline: Duration,
    /// Logins under way: only they choose a store and write settings; a refresh stays where the
    /// login went.
    logins: Arc<AtomicUsize>,
    settings: Option<Arc<Settings>>,
}

/// A login is under way until this is dropped.
pub(crate) struct Login(Arc<AtomicUsize>);

impl Drop for Login {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a login writes into the profile beside the session.
type Settings = dyn Fn(&mut Document) + Send + Sync;

/// The profile's refresh lock.
///
/// A call that outlives its deadline keeps its clone, so the lock is free only when nothing that
/// was begun under it can still happen.
#[derive(Clone, Debug)]
pub struct Guard(#[allow(dead_code, reason = "held, not read")] Arc<file::Lock>);

impl ProfileStore {
    pub(crate) fn new(
        folder: Folder,
        profile: &str,
        items: Arc<dyn Items>,
        choice: StoreChoice,
        attended: bool,
        notices: Notices,
    ) -> Self {
        Self {
            vault: Arc::new(Vault::new(folder, profile.to_owned(), items)),
            choice,
            resolved: Arc::default(),
            notices,
            deadline: if attended { ATTENDED } else { UNATTENDED },
            logins: Arc::default(),
            settings: None,
        }
    }

    /// Lets the save of a login write `settings` into the profile too.
    pub(crate) fn with_settings(
        mut self,
        settings: impl Fn(&mut Document) + Send + Sync + 'static,
    ) -> Self {
        self.settings = Some(Arc::new(settings));
        self
    }

    /// Marks the beginning of a login.
    pub(crate) fn begin_login(&self) -> Login {
        self.logins.fetch_add(1, Ordering::AcqRel);
        Login(Arc::clone(&self.logins))
    }

    fn in_login(&self) -> bool {
        self.logins.load(Ordering::Acquire) > 0
    }

    /// What this store did on its own since the last call.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.notices.take()
    }

    /// Where the stored tokens are now, if there are any.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn kind(&self) -> Result<Option<StoreKind>, StoreError> {
        let document = self.vault.document()?;
        let profile = document.profile(&self.vault.profile);
        Ok(profile.and_then(|p| p.string("store")).and_then(StoreKind::parse))
    }

    /// Which store the next save goes to, if that needs no keyring to tell.
    fn known_kind(&self) -> Result<Option<StoreKind>, StoreError> {
        if !self.in_login() {
            return self.kind();
        }
        Ok(match self.choice {
            StoreChoice::Keyring => Some(StoreKind::Keyring),
            StoreChoice::File => Some(StoreKind::File),
            StoreChoice::Auto => *self.resolved.lock().unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// Runs `work` on a thread that neither this call nor the exit of the program waits for.
    ///
    /// `work` is given what to ask before it changes the session: past the deadline the answer is
    /// no, and once it was yes the deadline no longer counts, so a change that was reported as
    /// failed never happens later.
    async fn on_thread<T: Send + 'static>(
        &self,
        deadline: Duration,
        guard: Option<&Guard>,
        work: impl FnOnce(&Vault, &dyn Fn() -> bool) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, mut receiver) = tokio::sync::oneshot::channel();
        let decided = Arc::new(AtomicBool::new(false));
        let (vault, guard, commit) =
            (Arc::clone(&self.vault), guard.cloned(), Arc::clone(&decided));
        std::thread::Builder::new()
            .name("astropass-store".to_owned())
            .spawn(move || {
                let result = work(&vault, &|| !commit.swap(true, Ordering::AcqRel));
                drop(guard);
                // Nobody may be waiting any more.
                let _ = sender.send(result);
            })
            .map_err(|error| StoreError::Io(format!("no thread can be started ({error})")))?;
        let received = match tokio::time::timeout(deadline, &mut receiver).await {
            Ok(received) => received,
            Err(_) if decided.swap(true, Ordering::AcqRel) => receiver.await,
            Err(_) => {
                let seconds = deadline.as_secs();
                return Err(StoreError::Unavailable(format!(
                    "it did not answer within {seconds} seconds"
                )));
            }
        };
        received
            .unwrap_or_else(|_| Err(StoreError::Unavailable("it stopped unexpectedly".to_owned())))
    }
}

impl Store for ProfileStore {
    type Guard = Guard;

    async fn revision(&self) -> Result<Option<Revision>, StoreError> {
        Ok(self.vault.document()?.revision(&self.vault.profile))
    }

    async fn load(&self) -> Result<Option<(Revision, Credentials)>, StoreError> {
        // A local file needs no thread, and starting one would cost more than reading it.
        if self.kind()? == Some(StoreKind::Keyring) {
            return self.on_thread(self.deadline, None, |vault, _| vault.load()).await;
        }
        self.vault.load()
    }

    async fn lock(&self, wait: Duration) -> Result<Guard, StoreError> {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            if let Some(lock) = self.vault.folder.try_refresh_lock(&self.vault.profile)? {
                return Ok(Guard(Arc::new(lock)));
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(StoreError::Busy);
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }

    async fn probe(&self, guard: &Guard) -> Result<(), StoreError> {
        let known = self.known_kind()?;
        let kind = known.unwrap_or(StoreKind::Keyring);
        let probe = |kind| {
            self.on_thread(self.deadline + FILE, Some(guard), move |vault, _| vault.probe(kind))
        };
        let kind = match probe(kind).await {
            Ok(()) => kind,
            // Only where there is no keyring, never because it is locked or in trouble.
            Err(reason @ StoreError::Absent(_)) if known.is_none() => {
                probe(StoreKind::File).await?;
                self.notices.push(Notice::FellBack { reason });
                StoreKind::File
            }
            Err(error) => return Err(error),
        };
        *self.resolved.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind);
        Ok(())
    }

    async fn save(
        &self,
        guard: &Guard,
        expected: Option<&Revision>,
        credentials: &Credentials,
    ) -> Result<Revision, StoreError> {
        let kind = match self.known_kind()? {
            Some(kind) => kind,
            None => {
                self.probe(guard).await?;
                self.known_kind()?.unwrap_or(StoreKind::File)
            }
        };
        let (expected, credentials) = (expected.cloned(), credentials.clone());
        let settings = self.settings.clone().filter(|_| self.in_login());
        self.on_thread(self.deadline + FILE, Some(guard), move |vault, commit| {
            let settings = |document: &mut Document| {
                if let Some(settings) = settings {
                    settings(document);
                }
            };
            vault.save(kind, expected.as_ref(), &credentials, settings, commit)
        })
        .await
    }

    async fn clear(&self, guard: &Guard, expected: &Revision) -> Result<Cleared, StoreError> {
        let expected = expected.clone();
        self.on_thread(self.deadline + FILE, Some(guard), move |vault, commit| {
            vault.clear(&expected, commit)
        })
        .await
    }
}
