//! A memory store whose calls are written down, and fail or take long when they are told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use astropass_core::{Cleared, Credentials, MemoryGuard, MemoryStore, Revision, Store, StoreError};

use super::world::Journal;

#[derive(Clone)]
pub(crate) struct FaultyStore {
    pub(crate) inner: MemoryStore,
    faults: Arc<Mutex<HashMap<&'static str, Fault>>>,
    journal: Journal,
}

#[derive(Clone)]
struct Fault {
    error: Option<StoreError>,
    /// How many calls more it befalls.
    times: usize,
    delay: Duration,
    /// What was asked for is done all the same.
    done: bool,
}

/// A number of calls that no test makes.
pub(crate) const ALWAYS: usize = usize::MAX;

impl FaultyStore {
    pub(crate) fn new(inner: MemoryStore, journal: Journal) -> Self {
        Self { inner, faults: Arc::default(), journal }
    }

    /// Lets the next `times` calls of `call` fail.
    pub(crate) fn fail(&self, call: &'static str, error: StoreError, times: usize) {
        let fault = Fault { error: Some(error), times, delay: Duration::ZERO, done: false };
        self.faults.lock().unwrap().insert(call, fault);
    }

    /// Lets the next call of `call` do its work and fail.
    pub(crate) fn fail_after(&self, call: &'static str, error: StoreError) {
        let fault = Fault { error: Some(error), times: 1, delay: Duration::ZERO, done: true };
        self.faults.lock().unwrap().insert(call, fault);
    }

    /// Lets the next call of `call` take `delay`.
    pub(crate) fn delay(&self, call: &'static str, delay: Duration) {
        let fault = Fault { error: None, times: 1, delay, done: false };
        self.faults.lock().unwrap().insert(call, fault);
    }

    /// Lets the next call of `call` do its work at once, and answer after `delay`.
    pub(crate) fn answer_late(&self, call: &'static str, delay: Duration) {
        let fault = Fault { error: None, times: 1, delay, done: true };
        self.faults.lock().unwrap().insert(call, fault);
    }

    pub(crate) fn mend(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// Stores without the lock, whatever is there.
    pub(crate) async fn put(&self, credentials: &Credentials) {
        // A store of its own has a lock that is free.
        let guard = MemoryStore::new().lock(Duration::ZERO).await.unwrap();
        let expected = self.inner.revision().await.unwrap();
        self.inner.save(&guard, expected.as_ref(), credentials).await.unwrap();
    }

    /// Signs out without the lock.
    pub(crate) async fn remove(&self) {
        let guard = MemoryStore::new().lock(Duration::ZERO).await.unwrap();
        let expected = self.inner.revision().await.unwrap().unwrap();
        self.inner.clear(&guard, &expected).await.unwrap();
    }

    async fn call<T>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.journal.lock().unwrap().push(call.to_owned());
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            let fault = faults.get(call).cloned();
            if let Some(fault) = faults.get_mut(call) {
                fault.times = fault.times.saturating_sub(1);
                if fault.times == 0 {
                    faults.remove(call);
                }
            }
            fault
        };
        let Some(Fault { error, delay, done, .. }) = fault else { return work.await };
        let (before, after) = if done { (Duration::ZERO, delay) } else { (delay, Duration::ZERO) };
        tokio::time::sleep(before).await;
        let result = match error {
            None => work.await,
            Some(error) if done => work.await.and(Err(error)),
            Some(error) => Err(error),
        };
        tokio::time::sleep(after).await;
        result
    }
}

impl Store for FaultyStore {
    type Guard = MemoryGuard;

    async fn revision(&self) -> Result<Option<Revision>, StoreError> {
        self.call("revision", self.inner.revision()).await
    }

    async fn load(&self) -> Result<Option<(Revision, Arc<Credentials>)>, StoreError> {
        self.call("load", self.inner.load()).await
    }

    async fn lock(&self, wait: Duration) -> Result<MemoryGuard, StoreError> {
        let lock = async {
            // Memory has no timer.
            tokio::time::timeout(wait, self.inner.lock(wait)).await.unwrap_or(Err(StoreError::Busy))
        };
        self.call("lock", lock).await
    }

    async fn probe(&self, guard: &MemoryGuard) -> Result<(), StoreError> {
        self.call("probe", self.inner.probe(guard)).await
    }

    async fn save(
        &self,
        guard: &MemoryGuard,
        expected: Option<&Revision>,
        credentials: &Credentials,
    ) -> Result<Revision, StoreError> {
        self.call("save", self.inner.save(guard, expected, credentials)).await
    }

    async fn clear(&self, guard: &MemoryGuard, expected: &Revision) -> Result<Cleared, StoreError> {
        self.call("clear", self.inner.clear(guard, expected)).await
    }
}
