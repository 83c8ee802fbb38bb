//! A keyring that does not answer: every call ends, and what was given up does not happen later.

use std::time::Duration;

use astropass::{ProfileStore, StoreChoice, StoreError};
use astropass_core::{Cleared, Revision, Store};
use astropass_tests::store_suite::assert_stored;
use tokio::sync::oneshot;

use crate::home::{LONG, TestHome, save};
use crate::items::{Call, Gate, Meddled, Memory};
use crate::keyring::{assert_next_save_sweeps, large};

/// A session in a keyring that hangs at some call.
struct Hanging {
    home: TestHome,
    items: Memory,
    store: ProfileStore,
    gate: Gate,
    revision: Revision,
    /// Fails once nothing that was begun can ask the keyring any more.
    ended: oneshot::Receiver<()>,
}

async fn hanging(call: Call) -> Hanging {
    let (home, items, gate) = (TestHome::new(), Memory::limited(), Gate::default());
    let sound = home.store(items.clone(), StoreChoice::Keyring);
    let revision = save(&sound, &large("first")).await.unwrap();
    let (hangs, (alive, ended)) = (gate.clone(), oneshot::channel());
    let keyring = Meddled::new(items.clone(), move |asked| {
        let _ = &alive;
        if asked == call {
            hangs.enter();
        }
        Ok(())
    });
    let store = home.store(keyring, StoreChoice::Keyring);
    Hanging { home, items, store, gate, revision, ended }
}

impl Hanging {
    /// Lets what hangs go on to its end; after that the next save leaves nothing of it.
    async fn finish_and_sweep(self) {
        self.gate.release();
        drop(self.store);
        assert!(self.ended.await.is_err());
        assert_next_save_sweeps(&self.home, &self.items).await;
    }
}

/// What `work` comes to once the keyring hangs and time passes, and how much time that is.
async fn once_it_hangs<T>(gate: &Gate, work: impl Future<Output = T>) -> (T, Duration) {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        _ = &mut work => panic!("it did not hang"),
        () = gate.entered() => {}
    }
    // From here on only the clock can go on, and it does so by itself.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let result = work.await;
    let took = started.elapsed();
    tokio::time::resume();
    (result, took)
}

#[track_caller]
fn assert_timed_out<T: std::fmt::Debug>((result, took): (Result<T, StoreError>, Duration)) {
    match result {
        Err(StoreError::Unavailable(text)) => assert!(text.contains("waiting"), "{text}"),
        other => panic!("not unavailable but {other:?}"),
    }
    assert!(took <= Duration::from_secs(9), "took {took:?}");
}

#[tokio::test]
async fn hanging_load() {
    let it = hanging(Call::Read).await;
    let loaded = once_it_hangs(&it.gate, it.store.load()).await;
    assert!(loaded.1 <= Duration::from_secs(4), "took {:?}", loaded.1);
    assert_timed_out(loaded);
    assert_eq!(it.store.revision().await, Ok(Some(it.revision.clone())));
    it.gate.release();
    assert_stored(it.store.load().await, &it.revision, &large("first"));
}

#[tokio::test]
async fn hanging_probe() {
    let it = hanging(Call::Write).await;
    let guard = it.store.lock(LONG).await.unwrap();
    assert_timed_out(once_it_hangs(&it.gate, it.store.probe(&guard)).await);
    assert_stored(it.store.load().await, &it.revision, &large("first"));
    drop(guard);
    it.finish_and_sweep().await;
}

/// A save that was reported as failed never happens later, and nobody else writes until it is
/// certain that it will not.
#[tokio::test]
async fn hanging_save_never_happens_later() {
    for call in [Call::Write, Call::Read] {
        let it = hanging(call).await;
        let guard = it.store.lock(LONG).await.unwrap();
        let late = large("late");
        let save = it.store.save(&guard, Some(&it.revision), &late);
        assert_timed_out(once_it_hangs(&it.gate, save).await);
        drop(guard);
        assert_eq!(it.store.lock(Duration::ZERO).await.map(drop), Err(StoreError::Busy));
        it.gate.release();
        // Free once the late thread has ended.
        drop(it.store.lock(LONG).await.unwrap());
        assert_stored(it.store.load().await, &it.revision, &large("first"));
        it.finish_and_sweep().await;
    }
}

/// What only remains to be tidied up keeps nobody from the new session.
#[tokio::test]
async fn hanging_after_the_save() {
    let it = hanging(Call::Delete).await;
    let guard = it.store.lock(LONG).await.unwrap();
    let new = large("second");
    let save = it.store.save(&guard, Some(&it.revision), &new);
    let (saved, took) = once_it_hangs(&it.gate, save).await;
    let second = saved.unwrap();
    assert!(took <= Duration::from_secs(9), "took {took:?}");
    assert_stored(it.store.load().await, &second, &new);
    // Neither does it keep the next one from writing.
    drop(guard);
    drop(it.store.lock(Duration::ZERO).await.unwrap());
    it.finish_and_sweep().await;
}

#[tokio::test]
async fn hanging_sign_out() {
    let it = hanging(Call::Delete).await;
    let guard = it.store.lock(LONG).await.unwrap();
    let (cleared, took) = once_it_hangs(&it.gate, it.store.clear(&guard, &it.revision)).await;
    assert_eq!(cleared, Ok(Cleared::LeftToSweep));
    assert!(took <= Duration::from_secs(9), "took {took:?}");
    assert!(it.store.load().await.unwrap().is_none());
    drop(guard);
    it.finish_and_sweep().await;
}
