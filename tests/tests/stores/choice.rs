//! Which store a session goes to.

use astropass::{Notice, StoreChoice, StoreError, StoreKind};
use astropass_core::{Cleared, Store};
use astropass_tests::store_suite::{assert_stored, credentials};

use crate::home::{LONG, TestHome, save};
use crate::items::{Meddled, Memory};

fn failing(error: &StoreError) -> Meddled<Memory> {
    let error = error.clone();
    Meddled::new(Memory::default(), move |_| Err(error.clone()))
}

fn errors() -> [StoreError; 5] {
    let text = || "on purpose".to_owned();
    [
        StoreError::Locked(text()),
        StoreError::Unavailable(text()),
        StoreError::Denied(text()),
        StoreError::TooLarge(text()),
        StoreError::Io(text()),
    ]
}

fn absent() -> StoreError {
    StoreError::Absent("no bus".to_owned())
}

#[tokio::test]
async fn falls_back_where_there_is_no_keyring() {
    let home = TestHome::new();
    let store = home.heard_store(failing(&absent()), StoreChoice::Auto);
    let guard = store.lock(LONG).await.unwrap();
    store.probe(&guard).await.unwrap();
    let notices = home.notices();
    assert_eq!(notices, [Notice::FellBack { detail: "no bus".to_owned() }]);
    assert!(notices[0].to_string().contains("in a file that only you can read"), "{}", notices[0]);
    let revision = store.save(&guard, None, &credentials("new")).await.unwrap();
    assert_eq!(store.kind(), Ok(Some(StoreKind::File)));
    assert_stored(store.load().await, &revision, &credentials("new"));
    assert_eq!(home.notices(), []);
    // Nothing is left to be deleted from a keyring that there is not.
    assert!(home.json().get("sweep").is_none(), "{}", home.json()["sweep"]);
    assert_eq!(store.clear(&guard, &revision).await, Ok(Cleared::Everything));
}

#[tokio::test]
async fn falls_back_for_no_other_reason() {
    for error in errors() {
        let home = TestHome::new();
        let store = home.heard_store(failing(&error), StoreChoice::Auto);
        let guard = store.lock(LONG).await.unwrap();
        assert_eq!(store.probe(&guard).await, Err(error.clone()));
        assert_eq!(store.save(&guard, None, &credentials("new")).await, Err(error));
        assert_eq!(store.revision().await, Ok(None));
        assert!(!home.text().contains("access-Y2FuYXJ5-new"));
        assert_eq!(home.notices(), []);
    }
}

#[tokio::test]
async fn keyring_fails_closed() {
    for error in errors().into_iter().chain([absent()]) {
        let home = TestHome::new();
        let store = home.heard_store(failing(&error), StoreChoice::Keyring);
        let guard = store.lock(LONG).await.unwrap();
        assert_eq!(store.probe(&guard).await, Err(error.clone()));
        assert_eq!(store.save(&guard, None, &credentials("new")).await, Err(error));
        assert_eq!(store.revision().await, Ok(None));
        assert!(!home.text().contains("access-Y2FuYXJ5-new"));
    }
}

/// A refresh goes where its login went, also where the program was started with another choice or
/// the keyring has gone meanwhile.
#[tokio::test]
async fn refresh_stays_where_its_login_went() {
    for other in [StoreChoice::Auto, StoreChoice::Keyring] {
        let home = TestHome::new();
        save(&home.file_store(), &credentials("first")).await.unwrap();
        let unused = Meddled::new(Memory::default(), |call| panic!("{call:?} of a keyring"));
        let store = home.store(unused, other);
        let second = save(&store, &credentials("second")).await.unwrap();
        assert_eq!(store.kind(), Ok(Some(StoreKind::File)));
        assert_stored(store.load().await, &second, &credentials("second"));
    }
    for other in [StoreChoice::Auto, StoreChoice::File] {
        let (home, items) = (TestHome::new(), Memory::default());
        let keyring = home.store(items.clone(), StoreChoice::Keyring);
        let first = save(&keyring, &credentials("first")).await.unwrap();
        let store = home.heard_store(failing(&absent()), other);
        let guard = store.lock(LONG).await.unwrap();
        assert_eq!(store.probe(&guard).await, Err(absent()));
        let saved = store.save(&guard, Some(&first), &credentials("second")).await;
        assert_eq!(saved, Err(absent()));
        assert_eq!(home.notices(), []);
        drop(guard);

        let store = home.store(items, other);
        assert_stored(store.load().await, &first, &credentials("first"));
        save(&store, &credentials("second")).await.unwrap();
        assert_eq!(store.kind(), Ok(Some(StoreKind::Keyring)));
        assert!(!home.text().contains("access-Y2FuYXJ5-second"));
    }
}
