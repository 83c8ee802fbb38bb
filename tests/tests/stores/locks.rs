//! The locks of `native/STORAGE.md`, taken by a program that knows only their names.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use astropass::StoreError;
use astropass_core::Store;
use astropass_tests::skipped;
use astropass_tests::store_suite::credentials;

use crate::home::{LONG, TestHome, block_on, save};

/// Runs `flock` as a program in another language would: whether it got the lock at once.
fn flock(home: &TestHome, name: &str) -> bool {
    let path = home.folder().join(name);
    let status = Command::new("flock").arg("--nonblock").arg(path).arg("true").status();
    status.expect("flock of util-linux").success()
}

#[test]
fn locks_are_those_of_their_names() {
    let home = TestHome::new();
    let store = home.file_store();
    let revision = block_on(save(&store, &credentials("first"))).unwrap();
    let numbers = || ["refresh-default.lock", "credentials.lock"].map(|name| number(&home, name));
    let before = numbers();

    // Ours keep others out,
    let guard = block_on(store.lock(Duration::ZERO)).unwrap();
    assert!(!flock(&home, "refresh-default.lock"));
    assert!(flock(&home, "credentials.lock"));
    assert!(flock(&home, "refresh-other.lock"));
    block_on(store.save(&guard, Some(&revision), &credentials("second"))).unwrap();
    drop(guard);
    assert!(flock(&home, "refresh-default.lock"));

    // and theirs us.
    let theirs = Held::lock(&home, "refresh-default.lock");
    assert_eq!(block_on(store.lock(Duration::ZERO)).err(), Some(StoreError::Busy));
    // A reader needs no lock.
    assert!(block_on(store.load()).unwrap().is_some());
    drop(theirs);
    drop(block_on(store.lock(LONG)).unwrap());

    let theirs = Held::lock(&home, "credentials.lock");
    let (done, is_done) = channel();
    thread::scope(|scope| {
        scope.spawn(|| done.send(home.home.set_current("ast", Some("default"))).unwrap());
        let waiting = is_done.recv_timeout(Duration::from_millis(200));
        assert_eq!(waiting, Err(RecvTimeoutError::Timeout));
        drop(theirs);
        assert_eq!(is_done.recv().unwrap(), Ok(()));
    });
    assert_eq!(numbers(), before, "a lock file was replaced");
    assert_eq!(fs::read(home.folder().join("credentials.lock")).unwrap(), b"");
}

/// A program that is started by another thread holds for a moment whatever is open in this one.
#[test]
fn a_program_that_is_being_started_does_not_keep_the_lock() {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let home = TestHome::new();
    let store = home.file_store();
    let guard = block_on(store.lock(Duration::ZERO)).unwrap();
    let own = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let lock = number(&home, "refresh-default.lock");
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let open = open.filter(|entry| fs::metadata(entry.path()).is_ok_and(|it| it.ino() == lock));
    let held: Result<Vec<_>, _> = open
        .map(|entry| entry.file_name().into_string().unwrap().parse().unwrap())
        .map(|number| pidfd_getfd(&own, number, PidfdGetfdFlags::empty()))
        .collect();
    // Containers may not let anybody do that.
    let Ok(held) = held else { return skipped("a descriptor cannot be duplicated here") };
    assert_eq!(held.len(), 1);
    drop(guard);
    drop(block_on(store.lock(Duration::ZERO)).unwrap());
}

/// A read waited for it on the thread of whoever asked.
#[test]
fn a_reader_does_not_wait_for_who_takes_the_older_client_s_file_over() {
    let older = r#"{"profiles":{"default":{"user":{"id":"user_1"}}}}"#;
    let home = TestHome::with_file(older);
    let theirs = Held::lock(&home, "credentials.lock");
    let profile = home.home.profile("default").unwrap().unwrap();
    assert_eq!(profile.user.unwrap().id, "user_1");
    assert_eq!(block_on(home.file_store().revision()), Ok(None));
    assert_eq!((home.text().as_str(), home.notices()), (older, Vec::new()));

    drop(theirs);
    TestHome::at(&home.directory()).home.profile("default").unwrap().unwrap();
    assert_eq!(home.json()["version"], 1);
    home.kept("older-client");
}

fn number(home: &TestHome, name: &str) -> u64 {
    fs::metadata(home.folder().join(name)).unwrap().ino()
}

/// A lock that another program holds.
struct Held(Child);

impl Held {
    fn lock(home: &TestHome, name: &str) -> Self {
        let mut command = Command::new("flock");
        command.arg(home.folder().join(name)).args(["sh", "-c", "echo held; exec cat"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("flock of util-linux");
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
        Self(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}
