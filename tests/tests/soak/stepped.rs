//! Killed right after each system call that changes something, one after the other.

use astropass_tests::ast::Call;
use astropass_tests::sandbox::{Bus, Daemon, inside};

use crate::ast::OfAst;
use crate::astro::{Contexts, OfAstro};
use crate::figures::{Figures, is_full};
use crate::kept::Place;
use crate::terminal::Terminal;
use crate::work::{Work, on_lanes};

/// How many go on at once; a login waits for a second, whatever the machine.
const LANES: usize = 8;

#[test]
fn ast_killed_after_each_call_with_a_file() {
    let what = "ast, killed after each system call that writes: file";
    killed_after_each_call(&terminals(Place::File, 30), OfAst::ALL, |_| true, what);
}

#[test]
fn ast_killed_after_each_call_with_a_keyring() {
    inside("stepped::ast_killed_after_each_call_with_a_keyring", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let what = "ast, killed after each system call that writes: Secret Service";
        let terminals = terminals(Place::Keyring, 30);
        killed_after_each_call(&terminals, OfAst::ALL, counted(), what);
    });
}

/// Only a kill between send and save may lose a session.
#[test]
fn ast_killed_after_each_call_where_the_server_is_strict() {
    let what = "ast, killed after each system call that writes: file, strict";
    let terminals = terminals(Place::File, 0);
    let works = &[OfAst::Refresh, OfAst::Account];
    let ended = killed_after_each_call(&terminals, works, |_| true, what);
    assert!(ended > 0, "none was killed between send and save");
}

#[test]
fn astro_killed_after_each_call_with_a_file() {
    let what = "astro, killed after each system call that writes: file";
    let contexts = Contexts::several(Place::File, LANES);
    killed_after_each_call(&contexts, OfAstro::ALL, counted(), what);
}

#[test]
fn astro_killed_after_each_call_with_a_keyring() {
    inside("stepped::astro_killed_after_each_call_with_a_keyring", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let what = "astro, killed after each system call that writes: Secret Service";
        // Their items have the names of the domains, so only one can be looked at at a time.
        let contexts = Contexts::several(Place::Keyring, 1);
        let works = if is_full() { OfAstro::ALL } else { &[OfAstro::SoftwareWithPassword] };
        killed_after_each_call(&contexts, works, counted(), what);
    });
}

fn terminals(place: Place, grace: u64) -> Vec<Terminal> {
    let terminal = |lane| Terminal::new(place, format!("lane-{lane}"), grace);
    (0..place.at_once(LANES)).map(terminal).collect()
}

/// Gives how many sessions ended with the answer of a strict server.
fn killed_after_each_call<W: Work>(
    terminals: &[W::Terminal],
    works: &[W],
    counted: fn(&Call) -> bool,
    what: &str,
) -> usize {
    let mut figures = Figures::of(what);
    for work in works {
        let counted = on_lanes(terminals, |lane, terminal| {
            steps(*work, terminal, lane, terminals.len(), counted)
        });
        counted.iter().for_each(|counted| figures.add(counted));
        let steps: usize = counted.iter().map(|counted| counted.kills).sum();
        assert!(steps > 0, "{work:?}: no call counts");
    }
    figures.note_progress();
    let ended = figures.ended;
    figures.end();
    ended
}

/// All calls count in `make soak`. Else only those after which something else is stored, where the
/// others are many and slow: a bus is greeted and asked by messages that change nothing.
fn counted() -> fn(&Call) -> bool {
    if is_full() { |_| true } else { replaces }
}

fn replaces(call: &Call) -> bool {
    let is_item = || ["CreateItem", "Delete"].iter().any(|it| call.what.contains(it));
    call.name == "rename" || call.name == "send" && is_item()
}

/// Every so many-th call of `work`, until it comes to its end.
fn steps<W: Work>(
    work: W,
    terminal: &W::Terminal,
    lane: usize,
    lanes: usize,
    counted: fn(&Call) -> bool,
) -> Figures {
    let mut figures = Figures::of("");
    for call in (1 + lane..).step_by(lanes) {
        let before = work.prepare(terminal);
        let traced = work.command(terminal).traced(counted, Some(call));
        if traced.code.is_none() {
            figures.kills += 1;
        }
        work.check(terminal, before, Some(&traced.calls), &mut figures);
        if let Some(code) = traced.code {
            assert_eq!(code, 0, "{work:?}");
            break;
        }
    }
    figures
}
