//! A keyring that fails, hangs, forgets, and is killed half-way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use astropass::{Session, StoreChoice, StoreError};
use astropass_core::{Cleared, Credentials, Revision, Secret, Store};
use astropass_tests::store_suite::{assert_stored, credentials, same};

use crate::home::{LONG, TestHome, block_on, save};
use crate::items::{Call, Meddled, Memory};

/// Credentials that need several small items.
pub(crate) fn large(mark: &str) -> Credentials {
    let secret = |of: &str| Secret::new(format!("{of}-{mark}-{}", "x".repeat(3000)));
    Credentials {
        access_token: secret("access"),
        refresh_token: Some(secret("refresh")),
        ..credentials(mark)
    }
}

fn locked() -> StoreError {
    StoreError::Locked("on purpose".to_owned())
}

/// A keyring whose call number `n`, from 0 on, is refused.
fn failing_at(n: usize, items: &Memory) -> (Meddled<Memory>, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let items = Meddled::new(items.clone(), move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        call if call == n => Err(locked()),
        _ => Ok(()),
    });
    (items, count)
}

/// After one more save, the keyring holds that and nothing else.
pub(crate) async fn assert_next_save_sweeps(home: &TestHome, items: &Memory) {
    let store = home.store(items.clone(), StoreChoice::Keyring);
    let revision = save(&store, &large("next")).await.unwrap();
    assert_stored(store.load().await, &revision, &large("next"));
    assert_eq!(items.names(), names(&revision, 3));
    assert!(home.json().get("sweep").is_none(), "{}", home.json()["sweep"]);
}

fn names(revision: &Revision, count: u64) -> Vec<String> {
    (0..count).map(|n| format!("default/{}/{n}", revision.0)).collect()
}

#[tokio::test]
async fn each_call_of_a_save_refused() {
    for n in 0.. {
        let (home, items) = (TestHome::new(), Memory::limited());
        let sound = home.store(items.clone(), StoreChoice::Keyring);
        let first = save(&sound, &large("first")).await.unwrap();
        let (faulty, calls) = failing_at(n, &items);
        let store = home.store(faulty, StoreChoice::Keyring);
        match save(&store, &large("second")).await {
            Ok(second) => assert_stored(sound.load().await, &second, &large("second")),
            Err(error) => {
                assert_eq!(error, locked());
                assert_stored(sound.load().await, &first, &large("first"));
            }
        }
        assert_next_save_sweeps(&home, &items).await;
        if calls.load(Ordering::Relaxed) <= n {
            // 3 writes, each read back, and 3 deletions.
            assert_eq!(n, 9);
            return;
        }
    }
}

#[tokio::test]
async fn each_call_of_a_sign_out_refused() {
    for n in 0..3 {
        let (home, items) = (TestHome::new(), Memory::limited());
        let sound = home.store(items.clone(), StoreChoice::Keyring);
        let first = save(&sound, &large("first")).await.unwrap();
        let (faulty, _) = failing_at(n, &items);
        let store = home.store(faulty, StoreChoice::Keyring);
        let guard = store.lock(LONG).await.unwrap();
        assert_eq!(store.clear(&guard, &first).await, Ok(Cleared::LeftToSweep));
        drop(guard);
        assert!(sound.load().await.unwrap().is_none());
        assert!(!items.names().is_empty());
        assert_next_save_sweeps(&home, &items).await;
    }
}

#[tokio::test]
async fn each_call_of_a_probe_refused() {
    for n in 0..3 {
        let (home, items) = (TestHome::new(), Memory::limited());
        let sound = home.store(items.clone(), StoreChoice::Keyring);
        let first = save(&sound, &large("first")).await.unwrap();
        let (faulty, _) = failing_at(n, &items);
        let store = home.store(faulty, StoreChoice::Keyring);
        let guard = store.lock(LONG).await.unwrap();
        // A probe that could not be deleted says nothing against a login.
        let expected = if n == 2 { Ok(()) } else { Err(locked()) };
        assert_eq!(store.probe(&guard).await, expected);
        drop(guard);
        assert_stored(sound.load().await, &first, &large("first"));
        assert_next_save_sweeps(&home, &items).await;
    }
}

/// What one profile could not delete, the writer of another one deletes, but never what a writer
/// that is still at work has listed.
#[tokio::test]
async fn another_profile_sweeps() {
    let (home, items) = (TestHome::new(), Memory::limited());
    let locked_now = Arc::new(AtomicBool::new(false));
    let is_locked = Arc::clone(&locked_now);
    let keyring = Meddled::new(items.clone(), move |call| {
        match call == Call::Delete && is_locked.load(Ordering::Relaxed) {
            true => Err(locked()),
            false => Ok(()),
        }
    });
    let gone = home.store_of("gone", keyring.clone(), StoreChoice::Keyring);
    let revision = save(&gone, &large("gone")).await.unwrap();
    let guard = gone.lock(LONG).await.unwrap();
    locked_now.store(true, Ordering::Relaxed);
    assert_eq!(gone.clear(&guard, &revision).await, Ok(Cleared::LeftToSweep));
    locked_now.store(false, Ordering::Relaxed);

    let store = home.store(keyring, StoreChoice::Keyring);
    save(&store, &credentials("first")).await.unwrap();
    assert_eq!(items.names().len(), 4, "swept while its writer had the lock");
    drop(guard);
    let second = save(&store, &credentials("second")).await.unwrap();
    assert_eq!(items.names(), names(&second, 1));
    assert!(home.json().get("sweep").is_none());
}

/// Somebody else's logout, while nobody is signed in, does not take away what a login is storing.
#[tokio::test]
async fn a_logout_beside_a_first_login_leaves_its_tokens() {
    let (home, items) = (TestHome::new(), Memory::limited());
    let (other, in_keyring) = (home.home.clone(), items.clone());
    let swept = Arc::new(AtomicUsize::new(0));
    let sweeps = Arc::clone(&swept);
    let keyring = Meddled::new(items.clone(), move |_| {
        let logout = Session::builder().home(other.clone()).keyring(in_keyring.clone()).sweep();
        assert_eq!(block_on(logout), Ok(None));
        sweeps.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let store = home.store(keyring, StoreChoice::Keyring);
    let revision = save(&store, &large("first")).await.unwrap();
    assert!(swept.load(Ordering::Relaxed) > 3, "for each item, and more");
    assert_eq!(items.names(), names(&revision, 3));
    assert_stored(store.load().await, &revision, &large("first"));
}

/// Signing out of a file sweeps what an earlier session left in the keyring.
#[tokio::test]
async fn file_store_sweeps_too() {
    let (home, items) = (TestHome::new(), Memory::limited());
    let (faulty, _) = failing_at(9, &items);
    let keyring = home.store(faulty, StoreChoice::Keyring);
    let first = save(&keyring, &large("first")).await.unwrap();
    let guard = keyring.lock(LONG).await.unwrap();
    // Six calls stored it, and the tenth deletes its last item.
    keyring.probe(&guard).await.unwrap();
    assert_eq!(keyring.clear(&guard, &first).await, Ok(Cleared::LeftToSweep));
    drop(guard);

    let store = home.store(items.clone(), StoreChoice::File);
    let second = save(&store, &large("second")).await.unwrap();
    assert!(items.names().is_empty(), "{:?}", items.names());
    assert_stored(store.load().await, &second, &large("second"));
}

#[tokio::test]
async fn items_missing_or_altered() {
    for spoil in [Memory::forget, Memory::corrupt] {
        for n in 0..3 {
            let (home, items) = (TestHome::new(), Memory::limited());
            let store = home.store(items.clone(), StoreChoice::Keyring);
            let revision = save(&store, &large("first")).await.unwrap();
            let before = home.text();
            spoil(&items, &names(&revision, 3)[n]);
            match store.load().await.map(drop) {
                Err(StoreError::Corrupt(text)) => assert!(text.contains("sign in again"), "{text}"),
                other => panic!("not corrupt but {other:?}"),
            }
            assert_eq!(home.text(), before);
            assert_eq!(store.revision().await, Ok(Some(revision)));
            assert_next_save_sweeps(&home, &items).await;
        }
    }
}

/// A reader that misses an item since the session was just replaced reads the new one.
#[tokio::test]
async fn replaced_while_it_is_read() {
    for replaced_at in 0..3 {
        let (home, items) = (TestHome::new(), Memory::limited());
        let writer = home.store(items.clone(), StoreChoice::Keyring);
        save(&writer, &large("first")).await.unwrap();
        let reads = AtomicUsize::new(0);
        let meddled = Meddled::new(items.clone(), move |_| {
            if reads.fetch_add(1, Ordering::Relaxed) == replaced_at {
                block_on(save(&writer, &large("second"))).unwrap();
            }
            Ok(())
        });
        let reader = home.store(meddled, StoreChoice::Keyring);
        let (_, found) = reader.load().await.unwrap().unwrap();
        assert!(same(&found, &large("second")), "read at {replaced_at}");
    }
}

/// One that takes what is written and does not give it back is no place for tokens.
#[tokio::test]
async fn forgetful() {
    let (home, items) = (TestHome::new(), Memory::default());
    let forgets = items.clone();
    let forgetful = Meddled::new(items, move |call| {
        if call == Call::Read {
            forgets.names().iter().for_each(|name| forgets.forget(name));
        }
        Ok(())
    });
    let store = home.store(forgetful, StoreChoice::Auto);
    let guard = store.lock(LONG).await.unwrap();
    let probed = store.probe(&guard).await;
    assert!(matches!(probed, Err(StoreError::Unavailable(_))), "{probed:?}");
    let saved = store.save(&guard, None, &credentials("new")).await;
    assert!(matches!(saved, Err(StoreError::Unavailable(_))), "{saved:?}");
    assert_eq!(store.revision().await, Ok(None));
}
