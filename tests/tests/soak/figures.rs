//! How much to do, and what came of it.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::time::Instant;

/// Names the file that takes the rows of the table; set by `make soak`.
const TABLE: &str = "ASTROPASS_SOAK";

/// Whether this is `make soak`.
pub(crate) fn is_full() -> bool {
    std::env::var_os(TABLE).is_some()
}

/// `full` in `make soak`, else `small`.
pub(crate) fn many(small: usize, full: usize) -> usize {
    if is_full() { full } else { small }
}

pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A row of the table.
pub(crate) struct Figures {
    what: String,
    began: Instant,
    pub(crate) rounds: usize,
    /// Processes that were killed.
    pub(crate) kills: usize,
    /// Secrets or temporary files that nothing refers to and nobody swept.
    pub(crate) orphans: usize,
    /// Sessions that the server still accepted and that were of no use.
    pub(crate) lost: usize,
    /// Rounds whose command had done its work, killed or not.
    pub(crate) new: usize,
    /// Sessions that ended with a process that a strict server had answered.
    pub(crate) ended: usize,
}

impl Figures {
    pub(crate) fn of(what: &str) -> Self {
        let what = what.to_owned();
        let (rounds, kills, orphans, lost, new, ended) = (0, 0, 0, 0, 0, 0);
        Self { what, began: Instant::now(), rounds, kills, orphans, lost, new, ended }
    }

    /// Says in the table how far the commands had come.
    pub(crate) fn note_progress(&mut self) {
        let (new, ended) = (self.new, self.ended);
        self.note(&format!("{new} times the new one found, {ended} ended between send and save"));
    }

    /// Says more in the table.
    pub(crate) fn note(&mut self, note: &str) {
        self.what = format!("{} ({note})", self.what);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        self.kills += other.kills;
        self.orphans += other.orphans;
        self.lost += other.lost;
        self.new += other.new;
        self.ended += other.ended;
    }

    /// Writes the row, and fails if anything was lost or left behind.
    pub(crate) fn end(self) {
        let Self { what, began, rounds, kills, orphans, lost, .. } = self;
        if let Some(path) = std::env::var_os(TABLE) {
            let mut table = File::options().create(true).append(true).open(path).unwrap();
            let seconds = began.elapsed().as_secs();
            writeln!(table, "{what}\t{rounds}\t{kills}\t{orphans}\t{lost}\t{seconds} s").unwrap();
        }
        assert_eq!((orphans, lost), (0, 0), "orphans and lost sessions: {what}");
    }
}
