//! Where a profile's credentials are kept: the keyring and `credentials.json`, or that file alone.

mod document;
mod file;
mod keyring;
mod kind;
mod notice;
mod private;
mod vault;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use astropass_core::{Cleared, Credentials, Event, Revision, Runtime, Store, StoreError};

use self::document::Swept;
pub(crate) use self::document::{Document, random_name};
pub(crate) use self::file::Folder;
pub use self::keyring::{Items, Keyring, Prompt};
pub use self::kind::{StoreChoice, StoreKind};
pub use self::notice::Notice;
pub(crate) use self::notice::Notices;
pub(crate) use self::private::{failed, open_in_place};
use self::vault::Vault;
use crate::Home;
use crate::runtime::SystemRuntime;

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
    /// What [`StoreChoice::Auto`] came to, once the keyring was asked.
    resolved: Arc<Mutex<Option<StoreKind>>>,
    notices: Notices,
    runtime: SystemRuntime,
    deadline: Duration,
    /// The keyring without prompts, for what nobody waits for.
    quiet: Arc<dyn Items>,
    settings: Option<Arc<Settings>>,
}

tokio::task_local! {
    static LOGIN: ();
}

/// Runs `work` as a login: only that chooses a store and writes settings. A refresh of the session
/// before, which another task may need meanwhile, stays where its own login went.
pub(crate) fn in_login<F: Future>(work: F) -> impl Future<Output = F::Output> {
    LOGIN.scope((), work)
}

fn is_in_login() -> bool {
    LOGIN.try_with(|()| ()).is_ok()
}

/// What a login writes into the profile beside the session.
type Settings = dyn Fn(&mut Document) + Send + Sync;

/// The profile's refresh lock.
///
/// A call that outlives its deadline keeps its clone, so the lock is free only when nothing that
/// was begun under it can still happen.
#[derive(Clone, Debug)]
pub struct Guard(#[allow(dead_code, reason = "held, not read")] Arc<private::Lock>);

impl ProfileStore {
    /// The profile `name` of `home`.
    ///
    /// Public only so that the tests can put this store through what every store must pass.
    #[doc(hidden)]
    pub fn new(
        home: &Home,
        name: &str,
        items: Arc<dyn Items>,
        choice: StoreChoice,
        attended: bool,
    ) -> Self {
        Self {
            quiet: Arc::clone(&items),
            vault: Arc::new(Vault::new(home.folder.clone(), name.to_owned(), items)),
            choice,
            resolved: Arc::default(),
            notices: home.notices.clone(),
            runtime: SystemRuntime::new(),
            deadline: if attended { ATTENDED } else { UNATTENDED },
            settings: None,
        }
    }

    /// Emits events by `runtime`.
    pub(crate) fn with_runtime(mut self, runtime: SystemRuntime) -> Self {
        self.runtime = runtime;
        self
    }

    /// Deletes what is left of earlier sessions by `quiet`, which asks nobody to unlock anything.
    pub(crate) fn with_quiet(mut self, quiet: Arc<dyn Items>) -> Self {
        self.quiet = quiet;
        self
    }

    /// Lets the save of a login write `settings` into the profile too.
    pub(crate) fn with_settings(
        mut self,
        settings: impl Fn(&mut Document) + Send + Sync + 'static,
    ) -> Self {
        self.settings = Some(Arc::new(settings));
        self
    }

    /// Where the stored tokens are now, if there are any.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn kind(&self) -> Result<Option<StoreKind>, StoreError> {
        let document = self.vault.folder.document()?;
        let profile = document.profile(&self.vault.profile);
        Ok(profile.and_then(|p| p.string("store")).and_then(StoreKind::parse))
    }

    /// Which store the next save goes to, if that needs no keyring to tell.
    fn known_kind(&self) -> Result<Option<StoreKind>, StoreError> {
        if !is_in_login()
            && let Some(kind) = self.kind()?
        {
            return Ok(Some(kind));
        }
        Ok(match self.choice {
            StoreChoice::Keyring => Some(StoreKind::Keyring),
            StoreChoice::File => Some(StoreKind::File),
            StoreChoice::Auto => None,
        })
    }

    /// Tries which store can be written.
    async fn resolve(&self, guard: &Guard) -> Result<StoreKind, StoreError> {
        let known = self.known_kind()?;
        let probe = |kind| {
            self.on_thread(self.deadline + FILE, Some(guard), move |vault, _| vault.probe(kind))
        };
        let kind = known.unwrap_or(StoreKind::Keyring);
        let kind = match probe(kind).await {
            Ok(()) => kind,
            // Only where there is no keyring, never because it is locked or in trouble.
            Err(StoreError::Absent(detail)) if known.is_none() => {
                probe(StoreKind::File).await?;
                // Once: a login may look twice, before it asks anything and before it stores.
                if self.resolved().is_none() {
                    self.notices.push(Notice::FellBack { detail: detail.clone() });
                    self.runtime.emit(Event::FellBack { detail });
                }
                StoreKind::File
            }
            Err(error) => return Err(error),
        };
        if known.is_none() {
            *self.resolved.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind);
        }
        Ok(kind)
    }

    fn resolved(&self) -> Option<StoreKind> {
        *self.resolved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Step 4 of a change that is made: its result stands, so this has a deadline of its own.
    async fn sweep(
        &self,
        listed: Vec<Swept>,
        items: &Arc<dyn Items>,
        deadline: Duration,
    ) -> Result<Cleared, StoreError> {
        if listed.is_empty() {
            return Ok(Cleared::Everything);
        }
        let items = Arc::clone(items);
        self.on_thread(deadline + FILE, None, move |vault, _| vault.sweep(&listed, &*items)).await
    }

    /// Deletes what an earlier logout could not; `None` if there is nothing of this profile.
    pub(crate) async fn sweep_leftovers(&self) -> Result<Option<Cleared>, StoreError> {
        let sweep = |vault: &Vault, _: &dyn Fn() -> bool| vault.folder.sweep();
        self.on_thread(self.deadline + FILE, None, sweep).await?;
        let is_own = |swept: &Swept| swept.profile == self.vault.profile;
        if !self.vault.folder.document()?.sweep().iter().any(is_own) {
            return Ok(None);
        }
        // Without it, what is listed may be what a login is storing.
        let Some(lock) = self.vault.folder.try_refresh_lock(&self.vault.profile)? else {
            return Ok(None);
        };
        let listed = self.vault.folder.document()?.sweep();
        drop(lock);
        if !listed.iter().any(is_own) {
            return Ok(None);
        }
        self.sweep(listed, &self.vault.items, self.deadline).await.map(Some)
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
                    "nothing came within {seconds} seconds; is it waiting for somebody to answer?"
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
        match self.vault.folder.document() {
            // A login replaces it.
            Err(StoreError::Corrupt(_)) if is_in_login() => Ok(None),
            document => Ok(document?.revision(&self.vault.profile)),
        }
    }

    async fn load(&self) -> Result<Option<(Revision, Arc<Credentials>)>, StoreError> {
        // A local file needs no thread, and starting one would cost more than reading it.
        let loaded = if self.kind()? == Some(StoreKind::Keyring) {
            self.on_thread(self.deadline, None, |vault, _| vault.load()).await?
        } else {
            self.vault.load()?
        };
        Ok(loaded.map(|(revision, credentials)| (revision, Arc::new(credentials))))
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
        self.resolve(guard).await.map(drop)
    }

    async fn save(
        &self,
        guard: &Guard,
        expected: Option<&Revision>,
        credentials: &Credentials,
    ) -> Result<Revision, StoreError> {
        let kind = match self.known_kind()?.or(self.resolved()) {
            Some(kind) => kind,
            None => self.resolve(guard).await?,
        };
        let (expected, credentials) = (expected.cloned(), credentials.clone());
        let settings = self.settings.clone().filter(|_| is_in_login());
        let save = move |vault: &Vault, commit: &dyn Fn() -> bool| {
            let settings = |document: &mut Document| {
                if let Some(settings) = settings {
                    settings(document);
                }
            };
            vault.save(kind, expected.as_ref(), &credentials, settings, commit)
        };
        let (revision, listed) = self.on_thread(self.deadline + FILE, Some(guard), save).await?;
        // What is left of the old session is listed, and the next writer's to delete.
        let _ = self.sweep(listed, &self.quiet, UNATTENDED).await;
        Ok(revision)
    }

    async fn clear(&self, guard: &Guard, expected: &Revision) -> Result<Cleared, StoreError> {
        let expected = expected.clone();
        let clear = move |vault: &Vault, commit: &dyn Fn() -> bool| vault.clear(&expected, commit);
        let cleared = self.on_thread(self.deadline + FILE, Some(guard), clear).await;
        let listed = cleared.map_err(not_cleared)?;
        let swept = self.sweep(listed, &self.vault.items, self.deadline).await;
        Ok(swept.unwrap_or(Cleared::LeftToSweep))
    }
}

/// Says what a logout did that could not change the file: it asks the server first, since that
/// matters most (rule 10).
fn not_cleared(error: StoreError) -> StoreError {
    let told = |detail: String| {
        let (what, next) =
            detail.split_once("; ").unwrap_or((&detail, "put that right and sign out again"));
        format!("{what}, so the session stays here, though the server may have ended it; {next}")
    };
    match error {
        StoreError::Denied(detail) => StoreError::Denied(told(detail)),
        StoreError::Io(detail) => StoreError::Io(told(detail)),
        error => error,
    }
}
