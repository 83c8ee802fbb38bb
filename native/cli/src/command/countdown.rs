use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::output::{self, DIM};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The line that says how much time is left, rewritten as it passes.
///
/// It is there between [`start`](Self::start) and the end of [`during`](Self::during), where
/// standard error is a terminal; in a log it would be noise.
#[derive(Clone, Default)]
pub(super) struct Countdown(Arc<Mutex<Option<Line>>>);

struct Line {
    what: String,
    left: Duration,
    started: Instant,
    frame: usize,
}

impl Countdown {
    /// Says that `what` is waited for.
    pub(super) fn start(&self, what: &str, left: Duration) {
        if std::io::stderr().is_terminal() {
            let line = Line { what: what.to_owned(), left, started: Instant::now(), frame: 0 };
            *self.line() = Some(line);
        }
    }

    /// Runs `work` while the line, if it was started, moves; `typed` are characters of the user's.
    pub(super) async fn during<T>(
        &self,
        work: impl Future<Output = T>,
        typed: impl Fn() -> usize,
    ) -> T {
        tokio::pin!(work);
        let mut tick = tokio::time::interval(TICK);
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = tick.tick() => {
                    if let Some(line) = self.line().as_mut() {
                        line.draw(typed());
                    }
                }
            }
        };
        // The line is cleared before anything else is said.
        drop(self.line().take());
        result
    }

    /// Tells the user something above the line.
    pub(super) fn note(&self, text: &str) {
        if self.line().is_some() {
            clear();
        }
        output::note(text);
    }

    fn line(&self) -> MutexGuard<'_, Option<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn draw(&mut self, typed: usize) {
        let left = self.left.saturating_sub(self.started.elapsed()).as_secs();
        let frame = FRAMES.get(self.frame % FRAMES.len()).copied().unwrap_or(' ');
        self.frame += 1;
        let mut out = anstream::stderr().lock();
        let _ = match typed {
            0 => write!(
                out,
                "\r{frame} Waiting for {} {DIM}({}:{:02} left, Ctrl-C cancels){DIM:#}\x1b[K",
                self.what,
                left / 60,
                left % 60
            ),
            typed => write!(out, "\r{frame} {typed} characters so far: press Enter\x1b[K"),
        };
        let _ = out.flush();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        clear();
    }
}

fn clear() {
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "\r\x1b[K");
    let _ = out.flush();
}
