//! Every store passes the one suite.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use astropass::{Home, Items, ProfileStore, StoreChoice, StoreError};
use astropass_core::{MemoryStore, Store};
use astropass_tests::store_suite::every_store;

use crate::home::{TestHome, block_on};
use crate::items::{Meddled, Memory};

#[test]
fn memory() {
    let profiles: Mutex<HashMap<String, MemoryStore>> = Mutex::default();
    every_store(|name| profiles.lock().unwrap().entry(name.to_owned()).or_default().clone());
}

#[test]
fn file() {
    // A keyring that is never asked.
    let unused = Meddled::new(Memory::default(), |call| panic!("{call:?} of a keyring"));
    let home = passes(unused, StoreChoice::File);
    assert_no_orphans(&home, &Memory::default(), "file", false);
}

#[test]
fn keyring() {
    let items = Memory::default();
    assert_no_orphans(&passes(items.clone(), StoreChoice::Keyring), &items, "keyring", false);
}

/// With a reader always beside the writer.
#[test]
fn keyring_with_small_items() {
    let (home, items) = (TestHome::new(), Memory::limited());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| block_on(read_until(&done, &home, &items)));
        let passed = panic::catch_unwind(AssertUnwindSafe(|| {
            passes_in(&home, items.clone(), StoreChoice::Keyring);
        }));
        done.store(true, Ordering::Release);
        let seen = reader.join().unwrap();
        passed.unwrap_or_else(|panic| panic::resume_unwind(panic));
        assert!(seen > 0, "it never saw a session");
    });
    assert_no_orphans(&home, &items, "keyring", true);
}

/// Reads every profile again and again; how many sessions it saw. Each is whole, or not there.
async fn read_until(done: &AtomicBool, home: &TestHome, items: &Memory) -> usize {
    let mut seen = 0;
    while !done.load(Ordering::Acquire) {
        for profile in home.home.profiles().unwrap() {
            let store = home.store_of(&profile.name, items.clone(), StoreChoice::Keyring);
            seen += usize::from(store.load().await.unwrap().is_some());
        }
        // The writer has to come along too.
        thread::yield_now();
    }
    seen
}

#[test]
fn file_where_there_is_no_keyring() {
    let absent =
        Meddled::new(Memory::default(), |_| Err(StoreError::Absent("no keyring".to_owned())));
    let home = passes(absent, StoreChoice::Auto);
    assert_no_orphans(&home, &Memory::default(), "file", false);
}

#[test]
fn keyring_where_there_is_one() {
    let items = Memory::limited();
    assert_no_orphans(&passes(items.clone(), StoreChoice::Auto), &items, "keyring", true);
}

/// gnome-keyring, unlocked, on a bus of its own.
#[cfg(target_os = "linux")]
#[test]
fn secret_service() {
    use astropass::{Keyring, KeyringPrompt, StoreKind};
    use astropass_tests::sandbox::{Bus, Daemon, inside};

    inside("suite::secret_service", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let keyring = Keyring::new("astropass", KeyringPrompt::Allowed);
        let home = passes(keyring, StoreChoice::Auto);
        let kinds: Vec<_> = home.home.profiles().unwrap().into_iter().map(|p| p.store).collect();
        assert!(kinds.contains(&Some(StoreKind::Keyring)), "{kinds:?}");
        assert!(!kinds.contains(&Some(StoreKind::File)), "{kinds:?}");
        assert!(home.json().get("sweep").is_none());
    });
}

fn passes(items: impl Items, choice: StoreChoice) -> TestHome {
    let home = TestHome::new();
    passes_in(&home, items, choice);
    home
}

fn passes_in(home: &TestHome, items: impl Items, choice: StoreChoice) {
    let items = Arc::new(items);
    every_store(|profile| {
        // As another process would have it.
        let home = Home::in_directory(&home.directory());
        // Nobody is asked for anything, and however slow the machine is, there is time.
        ProfileStore::new(&home, profile, Arc::clone(&items) as _, choice, true)
    });
    assert_eq!(home.names(), ["credentials.json"]);
}

/// The keyring holds what the file refers to, and nothing else.
fn assert_no_orphans(home: &TestHome, items: &Memory, kind: &str, is_split: bool) {
    let file = home.json();
    assert!(file.get("sweep").is_none(), "{}", file["sweep"]);
    let mut referred = Vec::new();
    for (name, profile) in file["profiles"].as_object().unwrap() {
        let Some(revision) = profile["revision"].as_str() else { continue };
        assert_eq!(profile["store"], kind);
        assert_eq!(profile.get("tokens").is_some(), kind == "file", "tokens in the file");
        let items = profile.get("items").map_or(0, |items| items.as_u64().unwrap());
        referred.extend((0..items).map(|n| format!("{name}/{revision}/{n}")));
    }
    referred.sort();
    assert_eq!(items.names(), referred);
    assert_eq!(referred.iter().any(|name| name.ends_with("/1")), is_split);
}
