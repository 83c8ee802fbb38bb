//! Killed at random moments.

use std::thread;
use std::time::{Duration, Instant};

use astropass_tests::sandbox::{Bus, Daemon, inside};

use crate::ast::OfAst;
use crate::astro::{Contexts, OfAstro};
use crate::figures::{Figures, many, random};
use crate::kept::Place;
use crate::terminal::Terminal;
use crate::work::{Work, on_lanes};

/// How many go on at once.
const LANES: usize = 6;

#[test]
fn ast_killed_at_random_moments_with_a_file() {
    let what = "ast, killed at random moments: file";
    killed_at_random::<OfAst>(&terminals(Place::File), many(28, 300), what);
}

#[test]
fn ast_killed_at_random_moments_with_a_keyring() {
    inside("killed::ast_killed_at_random_moments_with_a_keyring", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let what = "ast, killed at random moments: Secret Service";
        killed_at_random::<OfAst>(&terminals(Place::Keyring), many(14, 200), what);
    });
}

#[test]
fn astro_killed_at_random_moments_with_a_file() {
    let what = "astro, killed at random moments: file";
    let contexts = Contexts::several(Place::File, LANES);
    killed_at_random::<OfAstro>(&contexts, many(8, 200), what);
}

#[test]
fn astro_killed_at_random_moments_with_a_keyring() {
    inside("killed::astro_killed_at_random_moments_with_a_keyring", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let what = "astro, killed at random moments: Secret Service";
        // Their items have the names of the domains, so only one can be looked at at a time.
        let contexts = Contexts::several(Place::Keyring, 1);
        killed_at_random::<OfAstro>(&contexts, many(4, 100), what);
    });
}

/// Half of them with a server that repeats its answer, half with a strict one.
fn terminals(place: Place) -> Vec<Terminal> {
    let grace = |lane: usize| if lane.is_multiple_of(2) { 30 } else { 0 };
    let terminal = |lane| Terminal::new(place, format!("lane-{lane}"), grace(lane));
    (0..place.at_once(LANES)).map(terminal).collect()
}

fn killed_at_random<W: Work>(terminals: &[W::Terminal], kills: usize, what: &str) {
    let mut figures = Figures::of(what);
    let lanes = terminals.len();
    // All at once, as they are later.
    let taken = on_lanes(terminals, |lane, terminal| {
        let own = W::ALL.iter().skip(lane).step_by(lanes);
        own.map(|work| take(*work, terminal)).collect::<Vec<_>>()
    });
    let took = |work: usize| taken[work % lanes][work / lanes];
    let counted = on_lanes(terminals, |lane, terminal| {
        let share = kills / lanes + usize::from(lane < kills % lanes);
        kill_often::<W>(terminal, lane, share, took)
    });
    counted.iter().for_each(|counted| figures.add(counted));
    assert_eq!(figures.kills, kills);
    figures.note_progress();
    figures.end();
}

/// How long `work` takes, its waiting left out.
fn take<W: Work>(work: W, terminal: &W::Terminal) -> Duration {
    let before = work.prepare(terminal);
    let command = work.command(terminal);
    let began = Instant::now();
    let output = command.start().finish();
    let took = began.elapsed().saturating_sub(work.waits());
    assert_eq!(output.code, Some(0), "{work:?}: {}", output.stderr);
    let mut figures = Figures::of("");
    work.check(terminal, before, None, &mut figures);
    assert_eq!((figures.new, figures.orphans, figures.lost), (1, 0, 0), "{work:?}");
    took
}

/// Until as many were killed: one that has come to its end before counts as a round only.
fn kill_often<W: Work>(
    terminal: &W::Terminal,
    lane: usize,
    kills: usize,
    took: impl Fn(usize) -> Duration,
) -> Figures {
    let mut figures = Figures::of("");
    for (number, work) in W::ALL.iter().enumerate().cycle().skip(lane) {
        if figures.kills == kills {
            break;
        }
        let before = work.prepare(terminal);
        let process = work.command(terminal).start();
        let began = Instant::now();
        let moment = moment(took(number), work.waits());
        thread::sleep(moment.saturating_sub(began.elapsed()));
        process.kill();
        figures.kills += usize::from(process.finish().code.is_none());
        work.check(terminal, before, None, &mut figures);
    }
    figures
}

/// Somewhere in the time that a command takes. One that waits is killed as often after that as
/// before.
fn moment(took: Duration, waits: Duration) -> Duration {
    let part = took.mul_f64((random() % 1_000_000) as f64 / 1e6);
    if random().is_multiple_of(2) { waits + part } else { part }
}
