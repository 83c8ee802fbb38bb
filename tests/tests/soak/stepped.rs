//! Killed right after each system call that changes something, one after the other.

use std::thread;

use astropass_tests::ast::Call;
use astropass_tests::sandbox::{Bus, Daemon, inside};

use crate::figures::{Figures, is_full};
use crate::terminal::{Place, Terminal};
use crate::work::{ALL, Work};

/// How many go on at once; a login waits for a second, whatever the machine.
const LANES: usize = 8;

#[test]
fn killed_after_each_call_with_a_file() {
    killed_after_each_call(Place::File, "killed after each system call that writes: file");
}

#[test]
fn killed_after_each_call_with_a_keyring() {
    inside("stepped::killed_after_each_call_with_a_keyring", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let what = "killed after each system call that writes: Secret Service";
        killed_after_each_call(Place::Keyring, what);
    });
}

fn killed_after_each_call(place: Place, what: &str) {
    let mut figures = Figures::of(what);
    // With a server that repeats its answer no session is ever lost.
    let terminals: Vec<_> =
        (0..LANES).map(|lane| Terminal::new(place, format!("lane-{lane}"), 30)).collect();
    for work in ALL {
        let counted: Vec<_> = thread::scope(|scope| {
            let steps = |(lane, terminal)| scope.spawn(move || steps(work, terminal, lane));
            let lanes: Vec<_> = terminals.iter().enumerate().map(steps).collect();
            lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
        });
        counted.iter().for_each(|counted| figures.add(counted));
        let steps: usize = counted.iter().map(|counted| counted.kills).sum();
        assert!(steps >= 4, "{work:?}: {steps} calls");
    }
    figures.end();
}

/// All calls count in `make soak`. Else only those messages to the keyring that change something: a
/// bus is greeted and asked by many that do not.
fn counted() -> fn(&Call) -> bool {
    if is_full() { |_| true } else { changes }
}

fn changes(call: &Call) -> bool {
    call.name != "send" || ["CreateItem", "Delete"].iter().any(|it| call.what.contains(it))
}

/// Every so many-th call of `work`, until it comes to its end.
fn steps(work: Work, terminal: &Terminal, lane: usize) -> Figures {
    let mut figures = Figures::of("");
    for call in (1 + lane..).step_by(LANES) {
        let before = work.prepare(terminal);
        let traced = work.command(terminal).traced(counted(), Some(call));
        if traced.code.is_none() {
            figures.kills += 1;
        }
        work.check(terminal, &before, &mut figures);
        if let Some(code) = traced.code {
            assert_eq!(code, 0, "{work:?}");
            break;
        }
    }
    figures
}

/// What a power cut leaves is what was synced: each file before its name, and each name in its
/// folder before anybody is told.
#[test]
fn synced_before_it_is_told() {
    let terminal = Terminal::new(Place::File, "default".to_owned(), 30);
    for work in ALL {
        let _ = work.prepare(&terminal);
        let traced = work.command(&terminal).traced(|_| true, None);
        assert_eq!(traced.code, Some(0), "{work:?}");
        let folder = terminal.folder().display().to_string();
        let file = format!("{folder}/credentials.json");
        let calls: Vec<_> =
            traced.calls.iter().map(|call| (call.name, call.what.as_str())).collect();
        let renames = calls.iter().enumerate().filter(|(_, call)| **call == ("rename", &*file));
        let renames: Vec<_> = renames.map(|(at, _)| at).collect();
        assert!(!renames.is_empty(), "{work:?}");
        for at in renames {
            // Its writer holds the file lock, but others of its threads may do something else.
            let of_folder: Vec<_> =
                calls[..at].iter().filter(|call| call.1.starts_with(&folder)).collect();
            // A probe has made room, and gives it back: what remains is synced.
            let of_folder = match of_folder[..] {
                [ref before @ .., ("truncate", _)] => before.to_vec(),
                _ => of_folder,
            };
            let [.., written, synced] = of_folder[..] else { panic!("{calls:?}") };
            assert!(written.0 == "write" && *synced == ("sync", written.1), "{calls:?}");
            assert_eq!(calls[at + 1], ("sync", &*folder), "{calls:?}");
        }
        if work == Work::FirstLogin {
            let made = calls.iter().position(|call| *call == ("mkdir", &*folder)).unwrap();
            let parent = terminal.world.home.path().display().to_string();
            assert_eq!(calls[made + 1], ("sync", &*parent), "{calls:?}");
        }
        // Nothing is sent or printed of what is not stored yet.
        let stored = calls.iter().rposition(|call| *call == ("sync", &*folder)).unwrap();
        let told = calls.iter().position(|call| *call == ("write", "/dev/null"));
        if work == Work::Refresh {
            assert!(told.is_some_and(|told| stored < told), "{calls:?}");
        }
    }
}
