//! What a file system can do to `credentials.json`.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use astropass::{Notice, StoreError};
use astropass_core::Store;
use astropass_tests::store_suite::{assert_stored, credentials};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::home::{LONG, TestHome, block_on, restrict, save};

/// A user other than root, and other than whoever runs the tests.
const NOBODY: u32 = 65534;

/// Runs `body` as a user whom file modes hold back, which they do not hold root.
fn unprivileged(home: &TestHome, body: impl FnOnce() + Send) {
    let is_root = geteuid().is_root();
    if is_root {
        give_away(&home.directory());
    }
    let body = move || {
        if is_root {
            // In Linux this is each thread's own, and handed on to those that it starts.
            let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            set_thread_groups(&[]).unwrap();
            set_thread_res_gid(gid, gid, gid).unwrap();
            set_thread_res_uid(uid, uid, uid).unwrap();
        }
        body();
    };
    let ended = thread::scope(|scope| scope.spawn(body).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}

/// Every operation is refused, saying `next`.
#[track_caller]
fn assert_denied(home: &TestHome, next: &str) {
    let store = home.file_store();
    let results = block_on(async {
        let guard = store.lock(LONG).await.unwrap();
        [
            store.load().await.map(drop),
            store.probe(&guard).await,
            store.save(&guard, None, &credentials("new")).await.map(drop),
            home.home.set_current("ast", None),
        ]
    });
    results.into_iter().for_each(|result| assert_is_denied(result, next));
}

#[track_caller]
fn assert_is_denied(result: Result<(), StoreError>, next: &str) {
    match result {
        Err(StoreError::Denied(text)) => assert!(text.contains(next), "{text}"),
        other => panic!("not denied but {other:?}"),
    }
}

#[test]
fn folder_instead_of_the_file() {
    let home = TestHome::new();
    fs::create_dir_all(home.file()).unwrap();
    assert_denied(&home, "is not a file; move it away");
}

#[test]
fn pipe_instead_of_the_file() {
    let home = TestHome::with_file("");
    fs::remove_file(home.file()).unwrap();
    assert!(Command::new("mkfifo").arg(home.file()).status().unwrap().success());
    assert_denied(&home, "is not a file; move it away");
}

#[test]
fn link_instead_of_the_file() {
    let home = TestHome::new();
    let elsewhere = TestHome::new();
    block_on(save(&elsewhere.file_store(), &credentials("elsewhere"))).unwrap();
    let before = elsewhere.text();
    home.write("");
    for target in [elsewhere.file(), home.directory().join("dangling")] {
        fs::remove_file(home.file()).unwrap();
        symlink(target, home.file()).unwrap();
        assert_denied(&home, "is a symbolic link, which could lead anywhere; put the file itself");
    }
    assert_eq!(elsewhere.text(), before);
    assert!(!home.directory().join("dangling").exists());
}

/// What a diagnosis looks at stays as it was found.
#[test]
fn looked_at() {
    let home = TestHome::new();
    let looked = home.home.read_only();
    let refused = looked.set_current("ast", None);
    assert!(matches!(refused, Err(StoreError::Denied(_))), "{refused:?}");
    assert_eq!((looked.found(), looked.profiles().unwrap().len()), (Ok(Vec::new()), 0));
    assert!(!home.folder().exists());

    let older = r#"{"profiles":{"default":{}}}"#;
    home.write(older);
    restrict(&home.file(), 0o644);
    assert_eq!(looked.profiles().unwrap().len(), 1);
    assert_eq!(looked.is_of_older_client(), Ok(true));
    let found = looked.found().unwrap();
    let modes: Vec<_> = found.iter().map(|found| (found.name.as_str(), found.mode)).collect();
    assert_eq!(modes, [("", Some(0o700)), ("credentials.json", Some(0o644))]);
    assert_eq!((home.text().as_str(), home.notices()), (older, Vec::new()));
}

#[test]
fn folder_of_another_user() {
    let home = TestHome::new();
    if geteuid().is_root() {
        home.write("{}");
        chown(home.folder(), Some(NOBODY), None).unwrap();
    } else {
        symlink("/usr", home.folder()).unwrap();
    }
    let locked = block_on(home.file_store().lock(LONG)).map(drop);
    assert_is_denied(locked, "belongs to another user; run this as that user, or set ASTRO_HOME");
}

#[test]
fn file_of_another_user() {
    let home = TestHome::with_file("{}");
    if !geteuid().is_root() {
        // Only root can give a file away; the folder's check is the same code.
        return folder_of_another_user();
    }
    chown(home.file(), Some(NOBODY), None).unwrap();
    assert_denied(&home, "belongs to another user; run this as that user, or set ASTRO_HOME");
}

#[test]
fn readable_by_others() {
    let home = TestHome::new();
    let revision = block_on(save(&home.file_store(), &credentials("kept"))).unwrap();
    restrict(&home.file(), 0o644);
    restrict(&home.folder(), 0o755);

    block_on(async {
        let store = home.file_store();
        assert_stored(store.load().await, &revision, &credentials("kept"));
        assert_eq!(home.notices(), [Notice::ModeRepaired { path: home.file() }]);
        drop(store.lock(LONG).await.unwrap());
        assert_eq!(home.notices(), [Notice::ModeRepaired { path: home.folder() }]);
        assert_stored(store.load().await, &revision, &credentials("kept"));
        drop(store.lock(LONG).await.unwrap());
        assert_eq!(home.notices(), []);
    });
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(home.file()), mode(home.folder())), (0o600, 0o700));
}

#[test]
fn folder_that_cannot_be_written() {
    let home = TestHome::new();
    let revision = block_on(save(&home.file_store(), &credentials("kept"))).unwrap();
    restrict(&home.folder(), 0o500);
    unprivileged(&home, || {
        let store = home.file_store();
        block_on(async {
            // The lock file is there already, and is the user's own.
            let guard = store.lock(LONG).await.unwrap();
            let next = "make it your own, or set ASTRO_HOME";
            assert_is_denied(store.probe(&guard).await, next);
            let saved = store.save(&guard, Some(&revision), &credentials("new")).await;
            assert_is_denied(saved.map(drop), next);
            assert_is_denied(store.clear(&guard, &revision).await.map(drop), next);
            assert_stored(store.load().await, &revision, &credentials("kept"));
        });
        assert_eq!(home.names(), ["credentials.json"]);
    });
}

#[test]
fn home_that_cannot_be_written() {
    let home = TestHome::new();
    restrict(&home.directory(), 0o500);
    unprivileged(&home, || {
        let locked = block_on(home.file_store().lock(LONG)).map(drop);
        assert_is_denied(locked, "make it your own, or set ASTRO_HOME");
    });
    restrict(&home.directory(), 0o700);
}

/// Once everybody sees the change, it has not failed, though the folder cannot be synced.
#[test]
fn folder_that_cannot_be_synced() {
    let home = TestHome::new();
    let first = block_on(save(&home.file_store(), &credentials("first"))).unwrap();
    // Files can be made and renamed in it, but it cannot be opened.
    restrict(&home.folder(), 0o300);
    unprivileged(&home, || {
        block_on(async {
            let store = home.file_store();
            let guard = store.lock(LONG).await.unwrap();
            let second = store.save(&guard, Some(&first), &credentials("second")).await.unwrap();
            assert_stored(store.load().await, &second, &credentials("second"));
        });
    });
}

/// A writer that was killed leaves its temporary file to the next one.
#[test]
fn temporary_files_are_swept() {
    let home = TestHome::new();
    block_on(async {
        let first = save(&home.file_store(), &credentials("first")).await.unwrap();
        fs::write(home.folder().join(".credentials.0123.tmp"), "{\"vers").unwrap();
        fs::write(home.folder().join("mine.tmp"), "").unwrap();
        let store = home.file_store();
        assert_stored(store.load().await, &first, &credentials("first"));
        save(&store, &credentials("second")).await.unwrap();
    });
    assert_eq!(home.names(), ["credentials.json", "mine.tmp"]);
}

/// A file system's clock ticks slower than files can change, and it gives a deleted file's number
/// to the next one: by its `stat` a change cannot always be seen.
#[test]
fn changed_twice_within_a_tick() {
    let home = TestHome::new();
    block_on(async {
        let store = home.file_store();
        let first = save(&store, &credentials("first")).await.unwrap();
        let modified = fs::metadata(home.file()).unwrap().modified().unwrap();
        assert_eq!(store.revision().await.as_ref(), Ok(&Some(first.clone())));

        let second = first.0.chars().rev().collect::<String>();
        assert_ne!(first.0, second);
        fs::write(home.file(), home.text().replace(&first.0, &second)).unwrap();
        let file = fs::File::options().write(true).open(home.file()).unwrap();
        file.set_modified(modified).unwrap();
        assert_eq!(store.revision().await.unwrap().unwrap().0, second);
    });
}

/// Given `stat`s that tell, the file is read once.
#[test]
fn unchanged_file_is_not_read_again() {
    let home = TestHome::new();
    block_on(async {
        let store = home.file_store();
        let first = save(&store, &credentials("first")).await.unwrap();
        let file = fs::File::options().write(true).open(home.file()).unwrap();
        let modified = std::time::SystemTime::now() - Duration::from_secs(60);
        file.set_modified(modified).unwrap();
        assert_eq!(store.revision().await.as_ref(), Ok(&Some(first.clone())));
        // Unseen, since it keeps everything that a `stat` shows.
        fs::write(home.file(), home.text().replace(&first.0, &"0".repeat(first.0.len()))).unwrap();
        file.set_modified(modified).unwrap();
        assert_eq!(store.revision().await, Ok(Some(first)));
    });
}
