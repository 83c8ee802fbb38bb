//! What is done to a session, which may be cut short anywhere.

use std::fmt::Debug;
use std::thread;
use std::time::Duration;

use astropass_tests::ast::{Ast, Call};

use crate::figures::Figures;

/// A command that changes what is stored.
pub(crate) trait Work: Copy + Debug + Send + Sync + 'static {
    /// Who does it, and where.
    type Terminal: Sync;
    /// What there was before, as far as it matters after.
    type Before;
    const ALL: &[Self];

    /// Brings about what the command is for.
    fn prepare(self, terminal: &Self::Terminal) -> Self::Before;

    fn command(self, terminal: &Self::Terminal) -> Ast;

    /// How long it waits before its last steps, whatever the machine.
    fn waits(self) -> Duration;

    /// Checks what is left once the command has ended or was killed, and goes on from there.
    ///
    /// `calls` are those of its system calls that change something, where they are known.
    ///
    /// # Panics
    /// If the store cannot be read, holds half a session, or the next command fails.
    fn check(
        self,
        terminal: &Self::Terminal,
        before: Self::Before,
        calls: Option<&[Call]>,
        figures: &mut Figures,
    );
}

/// Does `work` at each of the `terminals`, all at once.
pub(crate) fn on_lanes<T: Sync, R: Send>(
    terminals: &[T],
    work: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    thread::scope(|scope| {
        let work = &work;
        let start = |(lane, terminal)| scope.spawn(move || work(lane, terminal));
        let lanes: Vec<_> = terminals.iter().enumerate().map(start).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    })
}
