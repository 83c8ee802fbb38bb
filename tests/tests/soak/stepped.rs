//! Killed right after each system call that changes something, one after the other.

use std::thread;

use astropass_tests::sandbox::{Bus, Daemon, inside};

use crate::figures::Figures;
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

/// Every so many-th call of `work`, until it comes to its end.
fn steps(work: Work, terminal: &Terminal, lane: usize) -> Figures {
    let mut figures = Figures::of("");
    for call in (1 + lane..).step_by(LANES) {
        let before = work.prepare(terminal);
        let traced = work.command(terminal).traced(Some(call));
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
