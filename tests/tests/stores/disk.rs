//! A disk that is full, and one that cannot be written: a small file system in a mount namespace
//! of its own, which ends with the child process that runs the test.
#![cfg(target_os = "linux")]

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use astropass::{StoreChoice, StoreError};
use astropass_core::Store;
use astropass_tests::sandbox::mount_namespace;
use astropass_tests::store_suite::{assert_stored, credentials};

use crate::home::{LONG, TestHome, block_on, save};
use crate::items::Memory;

const INSIDE: &str = "ASTROPASS_TEST_DISK";

/// Runs `body` in a home on a disk of 64 KiB; `test` is the name of the calling test.
fn on_small_disk(test: &str, body: impl FnOnce(&TestHome)) {
    let home = TestHome::new();
    if let Some(mounted) = env::var_os(INSIDE) {
        return body(&TestHome::at(Path::new(&mounted)));
    }
    let script = r#"mount -t tmpfs -o size=64k,mode=700 tmpfs "$1" && shift && exec "$@""#;
    let Some(namespace) = mount_namespace() else { return };
    let mut command = Command::new("unshare");
    command.args(namespace);
    let executable = env::current_exe().unwrap();
    let (directory, test) = (home.directory(), format!("disk::{test}"));
    let args = [directory.as_os_str(), executable.as_os_str(), OsStr::new(&test)];
    command.args(["--", "sh", "-c", script, "sh"]).args(args).args(["--exact", "--nocapture"]);
    let output = command.env(INSIDE, home.directory()).output().unwrap();
    let shown =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("test result: ok. 1 passed"), "no test of that name:\n{shown}");
}

/// Fills the disk to its last byte; what is returned frees it.
fn fill(home: &TestHome) -> impl FnOnce() {
    let path = home.directory().join("filler");
    let mut filler = File::create(&path).unwrap();
    let full = loop {
        if let Err(error) = filler.write_all(&[b'x'; 512]) {
            break error;
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    move || fs::remove_file(path).unwrap()
}

#[track_caller]
fn assert_full<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Io(text)) => assert!(text.ends_with("; free some space"), "{text}"),
        other => panic!("not a full disk but {other:?}"),
    }
}

#[test]
fn full() {
    on_small_disk("full", |home| {
        block_on(async {
            for (store, items) in
                [(StoreChoice::File, Memory::default()), (StoreChoice::Keyring, Memory::limited())]
            {
                let store = home.heard_store(items.clone(), store);
                let first = save(&store, &credentials("first")).await.unwrap();
                let (before, items_before) = (home.text(), items.names());
                let free = fill(home);

                let guard = store.lock(LONG).await.unwrap();
                assert_full(store.probe(&guard).await);
                assert_full(store.save(&guard, Some(&first), &credentials("lost")).await);
                assert_full(store.clear(&guard, &first).await);
                assert_full(home.home.set_current("ast", None));
                assert_full(home.home.check_writable());
                assert_stored(store.load().await, &first, &credentials("first"));
                assert_eq!((home.text(), items.names()), (before, items_before));
                assert_eq!(home.names(), ["credentials.json"]);

                free();
                home.home.check_writable().unwrap();
                let second =
                    store.save(&guard, Some(&first), &credentials("second")).await.unwrap();
                assert_stored(store.load().await, &second, &credentials("second"));
                store.clear(&guard, &second).await.unwrap();
                assert!(items.names().is_empty());
            }
        });
    });
}

/// Room for the file as it is, and not for a session of the usual size, is not enough to sign in or
/// to refresh.
#[test]
fn nearly_full_for_a_probe() {
    on_small_disk("nearly_full_for_a_probe", |home| {
        block_on(async {
            for (store, items) in
                [(StoreChoice::File, Memory::default()), (StoreChoice::Keyring, Memory::limited())]
            {
                let store = home.heard_store(items.clone(), store);
                let first = save(&store, &credentials("first")).await.unwrap();
                let room = home.directory().join("room");
                fs::write(&room, [b'x'; 4096]).unwrap();
                let free = fill(home);
                fs::remove_file(room).unwrap();

                let guard = store.lock(LONG).await.unwrap();
                assert_full(store.probe(&guard).await);
                // The same small session fits.
                let again = store.save(&guard, Some(&first), &credentials("again")).await.unwrap();
                free();
                store.probe(&guard).await.unwrap();
                store.clear(&guard, &again).await.unwrap();
            }
        });
    });
}

/// What cannot be kept is not replaced, and half a copy is not left behind.
#[test]
fn full_for_the_older_client() {
    on_small_disk("full_for_the_older_client", |home| {
        let older = format!(r#"{{"profiles":{{"default":{{"x":"{}"}}}}}}"#, "x".repeat(9000));
        home.write(&older);
        let free = fill(home);
        assert_full(home.home.profiles().map(drop));
        assert_full(home.home.profiles().map(drop));
        assert_eq!((home.text(), home.names().len()), (older, 1));
        free();
        assert_eq!(home.home.profiles().unwrap().len(), 1);
        home.kept("older-client");
    });
}

#[test]
fn full_from_the_beginning() {
    on_small_disk("full_from_the_beginning", |home| {
        block_on(async {
            home.write("");
            fs::remove_file(home.file()).unwrap();
            let free = fill(home);
            let store = home.file_store();
            assert_eq!(store.revision().await, Ok(None));
            match store.lock(LONG).await {
                Err(StoreError::Io(text)) => assert!(text.ends_with("; free some space"), "{text}"),
                // An empty lock file may find room where a full one does not.
                Ok(guard) => assert_full(store.probe(&guard).await),
                Err(other) => panic!("not a full disk but {other:?}"),
            }
            assert!(home.names().is_empty(), "{:?}", home.names());
            free();
            save(&store, &credentials("new")).await.unwrap();
        });
    });
}

#[test]
fn read_only() {
    on_small_disk("read_only", |home| {
        block_on(async {
            let store = home.file_store();
            let revision = save(&store, &credentials("kept")).await.unwrap();
            let remount = ["-o", "remount,ro,bind"];
            let mounted =
                Command::new("mount").args(remount).arg(home.directory()).status().unwrap();
            assert!(mounted.success());
            let locked = store.lock(LONG).await.map(drop);
            for result in [locked, home.home.set_current("ast", None), home.home.check_writable()] {
                match result {
                    Err(StoreError::Denied(text)) => {
                        assert!(text.ends_with("; set ASTRO_HOME to a place that can be written"));
                    }
                    other => panic!("not denied but {other:?}"),
                }
            }
            assert_stored(store.load().await, &revision, &credentials("kept"));
        });
    });
}
