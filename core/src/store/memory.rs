use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::{Cleared, Credentials, Revision, Store, StoreError};

/// One profile's credentials in this process only; its clones share them.
///
/// For programs that must leave nothing on a machine, and for tests.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Profile>>);

#[derive(Default)]
struct Profile {
    stored: Option<(Revision, Arc<Credentials>)>,
    locked: bool,
    waiting: Vec<Waker>,
}

/// The refresh lock of a [`MemoryStore`].
#[must_use]
pub struct MemoryGuard(MemoryStore);

/// Of the whole process, so that a revision read from one store never fits another one.
static REVISIONS: AtomicU64 = AtomicU64::new(1);

impl MemoryStore {
    /// A profile in which nobody is signed in.
    pub fn new() -> Self {
        Self::default()
    }

    fn profile(&self) -> MutexGuard<'_, Profile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Profile {
    fn expect(&self, expected: Option<&Revision>) -> Result<(), StoreError> {
        let stored = self.stored.as_ref().map(|(revision, _)| revision);
        if stored == expected { Ok(()) } else { Err(StoreError::Changed) }
    }
}

impl Store for MemoryStore {
    type Guard = MemoryGuard;

    async fn revision(&self) -> Result<Option<Revision>, StoreError> {
        Ok(self.profile().stored.as_ref().map(|(revision, _)| revision.clone()))
    }

    async fn load(&self) -> Result<Option<(Revision, Arc<Credentials>)>, StoreError> {
        Ok(self.profile().stored.clone())
    }

    /// There is no timer here, so any `wait` but zero is until the holder lets go. That it does is
    /// the holder's to see to: a [`Session`](crate::Session) has a deadline for all it does then.
    async fn lock(&self, wait: Duration) -> Result<MemoryGuard, StoreError> {
        poll_fn(|context| {
            let mut profile = self.profile();
            if !profile.locked {
                profile.locked = true;
                return Poll::Ready(Ok(MemoryGuard(self.clone())));
            }
            if wait.is_zero() {
                return Poll::Ready(Err(StoreError::Busy));
            }
            if !profile.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                profile.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    async fn probe(&self, _guard: &MemoryGuard) -> Result<(), StoreError> {
        Ok(())
    }

    async fn save(
        &self,
        _guard: &MemoryGuard,
        expected: Option<&Revision>,
        credentials: &Credentials,
    ) -> Result<Revision, StoreError> {
        let mut profile = self.profile();
        profile.expect(expected)?;
        let number = REVISIONS.fetch_add(1, Ordering::Relaxed);
        let revision = Revision(format!("memory-{number}"));
        profile.stored = Some((revision.clone(), Arc::new(credentials.clone())));
        Ok(revision)
    }

    async fn clear(
        &self,
        _guard: &MemoryGuard,
        expected: &Revision,
    ) -> Result<Cleared, StoreError> {
        let mut profile = self.profile();
        profile.expect(Some(expected))?;
        profile.stored = None;
        Ok(Cleared::Everything)
    }
}

/// Lets all waiters try: one of them alone may have stopped waiting.
impl Drop for MemoryGuard {
    fn drop(&mut self) {
        let waiting = {
            let mut profile = self.0.profile();
            profile.locked = false;
            std::mem::take(&mut profile.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}
