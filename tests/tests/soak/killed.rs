//! Killed at random moments.

use std::thread;
use std::time::{Duration, Instant};

use astropass_tests::sandbox::{Bus, Daemon, inside};

use crate::figures::{Figures, many, random};
use crate::terminal::{Place, Terminal};
use crate::work::{ALL, Work};

/// How many go on at once.
const LANES: usize = 6;
/// A login waits for so long before its first poll.
const POLL: Duration = Duration::from_secs(1);

#[test]
fn killed_at_random_moments_with_a_file() {
    killed_at_random(Place::File, many(30, 300), "killed at random moments: file");
}

#[test]
fn killed_at_random_moments_with_a_keyring() {
    inside("killed::killed_at_random_moments_with_a_keyring", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let what = "killed at random moments: Secret Service";
        killed_at_random(Place::Keyring, many(20, 200), what);
    });
}

fn killed_at_random(place: Place, kills: usize, what: &str) {
    let mut figures = Figures::of(what);
    let counted: Vec<_> = thread::scope(|scope| {
        let lane = |lane: usize| {
            scope.spawn(move || {
                // Half of them with a server that repeats its answer, half with a strict one.
                let grace = if lane.is_multiple_of(2) { 30 } else { 0 };
                let terminal = Terminal::new(place, format!("lane-{lane}"), grace);
                let share = kills / LANES + usize::from(lane < kills % LANES);
                kill_often(&terminal, lane, share)
            })
        };
        let lanes: Vec<_> = (0..LANES).map(lane).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    counted.iter().for_each(|counted| figures.add(counted));
    assert_eq!(figures.kills, kills);
    figures.end();
}

/// Until as many were killed: one that has come to its end before counts as a round only.
fn kill_often(terminal: &Terminal, lane: usize, kills: usize) -> Figures {
    let mut figures = Figures::of("");
    for work in ALL.into_iter().cycle().skip(lane) {
        if figures.kills == kills {
            break;
        }
        let before = work.prepare(terminal);
        let process = work.command(terminal).start();
        let began = Instant::now();
        thread::sleep(moment(work).saturating_sub(began.elapsed()));
        process.kill();
        figures.kills += usize::from(process.finish().code.is_none());
        work.check(terminal, &before, &mut figures);
    }
    figures
}

/// Somewhere in the time that the command takes.
fn moment(work: Work) -> Duration {
    let part = Duration::from_micros(random() % 30_000);
    match work {
        Work::FirstLogin | Work::Login if random().is_multiple_of(2) => POLL + part,
        _ => part,
    }
}
