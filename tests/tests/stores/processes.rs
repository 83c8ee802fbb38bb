//! Several processes at one profile, some of which are killed.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use astropass::{Items, ProfileStore, StoreChoice, StoreError};
use astropass_core::Store;
use astropass_tests::store_suite::same;
use rustix::process::{Signal, getpid, kill_process};
use zeroize::Zeroizing;

use crate::child::{role, start};
use crate::home::{LONG, TestHome, block_on, create_private, save};
use crate::items::Shared;
use crate::keyring::large;

/// The keyring of a home's processes.
fn keyring(home: &TestHome) -> Shared {
    let folder = home.directory().join("keyring");
    create_private(&folder);
    Shared(folder)
}

fn store(home: &TestHome, choice: StoreChoice) -> ProfileStore {
    home.store(keyring(home), choice)
}

/// How many times each process replaces the session.
const TURNS: u64 = 15;
const PROCESSES: u64 = 4;

/// No save is lost, and nobody who reads without the lock sees half of one.
#[test]
fn take_turns() {
    if let Some(role) = role() {
        let (choice, directory) = role.split_once(' ').unwrap();
        return take_my_turns(&TestHome::at(Path::new(directory)), choice.parse().unwrap());
    }
    for choice in ["file", "keyring"] {
        let home = TestHome::new();
        let store = store(&home, choice.parse().unwrap());
        block_on(async {
            save(&store, &large("0")).await.unwrap();
            // All of them wait for this lock when they begin.
            let guard = store.lock(LONG).await.unwrap();
            let role = format!("{choice} {}", home.directory().display());
            let mut children: Vec<_> =
                (0..PROCESSES).map(|_| start("processes::take_turns", &role)).collect();
            children.iter_mut().for_each(|child| wait_for_line(child, "ready"));
            drop(guard);
            for child in children {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            }
            let (_, last) = store.load().await.unwrap().unwrap();
            assert!(same(&last, &large(&(PROCESSES * TURNS).to_string())), "a save was lost");
        });
        assert_eq!(home.names(), ["credentials.json"]);
        assert!(home.json().get("sweep").is_none());
        let items = home.json()["profiles"]["default"]["items"].as_u64().unwrap_or(0);
        assert_eq!(keyring(&home).count() as u64, items);
    }
}

fn take_my_turns(home: &TestHome, choice: StoreChoice) {
    let store = store(home, choice);
    let count = |email: &str| email.strip_suffix("@example.com").unwrap().parse::<u64>().unwrap();
    println!("ready");
    block_on(async {
        let read = async || {
            let (revision, found) = store.load().await.unwrap().expect("it is never empty");
            let count = count(found.user.as_ref().unwrap().email.as_ref().unwrap());
            assert!(same(&found, &large(&count.to_string())), "torn");
            (revision, count)
        };
        for _ in 0..TURNS {
            read().await;
            let guard = store.lock(LONG).await.unwrap();
            let (revision, count) = read().await;
            let new = large(&(count + 1).to_string());
            store.save(&guard, Some(&revision), &new).await.unwrap();
        }
    });
}

/// Each profile has a refresh lock of its own, but all of them are in one file.
#[test]
fn profiles_share_a_file() {
    let home = TestHome::new();
    let name = |n: u64| format!("profile-{n}");
    let open = |n| home.store_of(&name(n), keyring(&home), StoreChoice::Auto);
    thread::scope(|scope| {
        for n in 0..PROCESSES {
            let store = open(n);
            scope.spawn(move || {
                block_on(async {
                    for turn in 0..=TURNS {
                        let new = large(&turn.to_string());
                        // Whoever asks for the file may starve for longer than is waited for it.
                        while let Err(error) = save(&store, &new).await {
                            assert_eq!(error, StoreError::Busy);
                        }
                    }
                });
            });
        }
        for turn in 0..=TURNS {
            while let Err(error) = home.home.set_current("ast", Some(&name(turn))) {
                assert_eq!(error, StoreError::Busy);
            }
        }
    });
    assert_eq!(home.home.current("ast"), Ok(Some(name(TURNS))));
    for n in 0..PROCESSES {
        let (_, last) = block_on(open(n).load()).unwrap().unwrap();
        assert!(same(&last, &large(&TURNS.to_string())), "a save of {n} was lost");
    }
    assert!(home.json().get("sweep").is_none());
    assert_eq!(keyring(&home).count() as u64, 3 * PROCESSES);
}

#[test]
fn lock_of_a_process_that_is_killed() {
    if let Some(directory) = role() {
        let home = TestHome::at(Path::new(&directory));
        let _guard = block_on(store(&home, StoreChoice::File).lock(Duration::ZERO)).unwrap();
        println!("locked");
        // Until it is killed.
        drop(std::io::stdin().read_line(&mut String::new()));
        return;
    }
    let home = TestHome::new();
    let store = store(&home, StoreChoice::File);
    let directory = home.directory().display().to_string();
    let mut child = start("processes::lock_of_a_process_that_is_killed", &directory);
    wait_for_line(&mut child, "locked");
    assert_eq!(block_on(store.lock(Duration::ZERO)).err(), Some(StoreError::Busy));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(block_on(store.lock(Duration::ZERO)).unwrap());
}

/// Killed between any two steps, a writer leaves the old session or the new one, and to the next
/// writer what is to be swept.
#[test]
fn killed_between_any_two_steps() {
    if let Some(role) = role() {
        return be_killed(&role);
    }
    // A save makes 3 writes, 3 readings and 3 deletions; a probe one of each.
    for (work, calls) in [("save", 9), ("clear", 3), ("probe", 3)] {
        // Before and after each call, and then not at all.
        for at in 0..=2 * calls {
            let home = TestHome::new();
            let store = store(&home, StoreChoice::Keyring);
            block_on(save(&store, &large("old"))).unwrap();
            let role = format!("{work} {at} {}", home.directory().display());
            let child = start("processes::killed_between_any_two_steps", &role);
            let survived = child.wait_with_output().unwrap().status.success();
            assert_eq!(survived, at == 2 * calls, "{work} at {at}");

            block_on(async {
                let found = store.load().await.unwrap().map(|(_, found)| found);
                let is = |mark| found.as_ref().is_some_and(|found| same(found, &large(mark)));
                let whole = match work {
                    "save" => is("old") || is("new"),
                    "clear" => found.is_none(),
                    _ => is("old"),
                };
                assert!(whole, "{work} killed at {at}");
                save(&store, &large("next")).await.unwrap();
            });
            assert!(home.json().get("sweep").is_none(), "{work} killed at {at}");
            assert_eq!(keyring(&home).count(), 3, "{work} killed at {at}");
            assert_eq!(home.names(), ["credentials.json"]);
        }
    }
}

fn be_killed(role: &str) {
    let mut parts = role.splitn(3, ' ');
    let (work, at) = (parts.next().unwrap(), parts.next().unwrap().parse().unwrap());
    let home = TestHome::at(Path::new(parts.next().unwrap()));
    let items = Deadly { items: keyring(&home), at, steps: AtomicU64::new(0) };
    let store = home.store(items, StoreChoice::Keyring);
    block_on(async {
        let guard = store.lock(LONG).await.unwrap();
        let revision = store.revision().await.unwrap().unwrap();
        match work {
            "save" => drop(store.save(&guard, Some(&revision), &large("new")).await.unwrap()),
            "clear" => drop(store.clear(&guard, &revision).await.unwrap()),
            _ => store.probe(&guard).await.unwrap(),
        }
    });
}

/// A keyring that kills the process before or after one of its calls.
struct Deadly {
    items: Shared,
    at: u64,
    steps: AtomicU64,
}

impl Deadly {
    fn step(&self) {
        if self.steps.fetch_add(1, Ordering::Relaxed) == self.at {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    }

    fn around<T>(&self, call: impl FnOnce(&Shared) -> T) -> T {
        self.step();
        let result = call(&self.items);
        self.step();
        result
    }
}

impl Items for Deadly {
    fn limit(&self) -> Option<usize> {
        self.items.limit()
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.around(|items| items.read(name))
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), StoreError> {
        self.around(|items| items.write(name, secret))
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.around(|items| items.delete(name))
    }
}

/// Until the child writes `line`; the test harness writes others.
fn wait_for_line(child: &mut Child, line: &str) {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    // A failing test ends its output.
    assert!(lines.any(|read| read.unwrap().ends_with(line)), "it never wrote {line:?}");
}
