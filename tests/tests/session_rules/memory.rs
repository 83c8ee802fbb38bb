//! `MemoryStore` itself, beyond what the suite of all stores asks.

use std::time::Duration;

use astropass_core::{Dialect, MemoryStore, Store, StoreError};

use super::world::{World, pass, text};

const LONG: Duration = Duration::from_secs(35);

#[tokio::test(start_paused = true)]
async fn a_revision_is_never_used_again_by_any_store() {
    let credentials = World::new(Dialect::Standard).credentials(0);
    let mut seen = std::collections::HashSet::new();
    for store in [MemoryStore::new(), MemoryStore::new()] {
        let guard = store.lock(LONG).await.unwrap();
        for _ in 0..100 {
            let revision = store.save(&guard, None, &credentials).await.unwrap();
            store.clear(&guard, &revision).await.unwrap();
            assert!(seen.insert(revision));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revision_of_the_past_changes_nothing() {
    let world = World::new(Dialect::Standard);
    let store = MemoryStore::new();
    let guard = store.lock(LONG).await.unwrap();
    let first = store.save(&guard, None, &world.credentials(0)).await.unwrap();
    let second = store.save(&guard, Some(&first), &world.credentials(1)).await.unwrap();
    let changed = Err(StoreError::Changed);
    assert_eq!(store.save(&guard, Some(&first), &world.credentials(2)).await, changed);
    assert_eq!(store.save(&guard, None, &world.credentials(2)).await, changed);
    assert_eq!(store.clear(&guard, &first).await.map(drop), Err(StoreError::Changed));
    let (revision, credentials) = store.load().await.unwrap().unwrap();
    assert_eq!(revision, second);
    assert_eq!(text(&credentials.access()), "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_taken_is_busy_at_once_or_waited_for() {
    let store = MemoryStore::new();
    let guard = store.lock(LONG).await.unwrap();
    assert_eq!(store.lock(Duration::ZERO).await.map(drop), Err(StoreError::Busy));
    let waiters: Vec<_> = (0..5)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { drop(store.lock(LONG).await.unwrap()) })
        })
        .collect();
    pass(5).await;
    assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
    // One that stops waiting takes nobody's turn.
    waiters[0].abort();
    drop(guard);
    for waiter in waiters.into_iter().skip(1) {
        waiter.await.unwrap();
    }
    assert!(store.lock(Duration::ZERO).await.is_ok());
}
