//! What the user pastes while something else is waited for.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeroize::Zeroizing;

use crate::input::{Editor, Taken};

/// Lines of standard input. Dropping it lets go of the input, whose next reader loses nothing but
/// a line that was begun.
pub(super) struct Paste {
    lines: Mutex<UnboundedReceiver<Zeroizing<String>>>,
    typed: Typed,
    _reading: platform::Reading,
}

/// How many characters of a line there are so far.
#[derive(Clone, Default)]
struct Typed(Arc<AtomicUsize>);

impl Paste {
    /// Begins to read where somebody can paste: at a terminal, or where standard input is a pipe
    /// and `is_asked_for`. A program in a loop must not read what is the loop's.
    pub(super) fn start(is_asked_for: bool) -> Option<Self> {
        let has_reader = match std::io::stdin().is_terminal() {
            true => (is_asked_for || std::io::stderr().is_terminal()) && platform::is_foreground(),
            false => is_asked_for,
        };
        if !has_reader {
            return None;
        }
        let (sender, lines) = unbounded_channel();
        let typed = Typed::default();
        let editor = match std::io::stdin().is_terminal() {
            true => Editor::of_keys(),
            false => Editor::plain(),
        };
        let reading = platform::Reading::start(Lines::new(editor, sender, typed.clone()))?;
        Some(Self { lines: Mutex::new(lines), typed, _reading: reading })
    }

    /// The next line that is not blank; after the last one, never.
    pub(super) async fn next(&self) -> Zeroizing<String> {
        match self.lines.lock().await.recv().await {
            Some(line) => line,
            None => std::future::pending().await,
        }
    }

    /// How many characters of a line there are so far; it is not shown otherwise.
    pub(super) fn typed(&self) -> impl Fn() -> usize + use<> {
        let typed = self.typed.clone();
        move || typed.0.load(Ordering::Relaxed)
    }
}

/// Makes lines of what is read, until nobody wants any.
struct Lines {
    editor: Editor,
    sender: UnboundedSender<Zeroizing<String>>,
    typed: Typed,
}

impl Lines {
    fn new(editor: Editor, sender: UnboundedSender<Zeroizing<String>>, typed: Typed) -> Self {
        Self { editor, sender, typed }
    }

    /// Takes in a byte; false at the end. What cannot be read as a line is left out.
    fn take(&mut self, byte: Option<u8>) -> bool {
        let taken = self.editor.take(byte);
        self.typed.0.store(self.editor.len(), Ordering::Relaxed);
        match taken {
            // Nobody may be waiting any more.
            Taken::Line(Ok(line)) if !line.trim().is_empty() => drop(self.sender.send(line)),
            Taken::Line(_) | Taken::More => {}
            Taken::End => return false,
        }
        byte.is_some() && !self.sender.is_closed()
    }
}

#[cfg(unix)]
mod platform {
    use std::io::{PipeReader, PipeWriter, pipe, stdin};

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    use rustix::process::getpgrp;
    use rustix::termios::tcgetpgrp;

    use super::Lines;
    use crate::input::{Quiet, read_byte};

    /// A thread that reads. It ends when this is dropped, and so takes no input that is not ours.
    pub(super) struct Reading {
        _wake: PipeWriter,
        /// What is typed would be drawn over.
        _quiet: Option<Quiet>,
    }

    impl Reading {
        pub(super) fn start(lines: Lines) -> Option<Self> {
            let (woken, wake) = pipe().ok()?;
            let quiet = Quiet::start().ok();
            std::thread::spawn(move || take(lines, &woken));
            Some(Self { _wake: wake, _quiet: quiet })
        }
    }

    fn take(mut lines: Lines, woken: &PipeReader) {
        loop {
            let stdin = stdin();
            let mut sources =
                [PollFd::new(&stdin, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
            match poll(&mut sources, None) {
                Ok(_) if sources.iter().skip(1).any(|woken| !woken.revents().is_empty()) => return,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
            if sources.iter().take(1).all(|stdin| stdin.revents().is_empty()) {
                continue;
            }
            match read_byte() {
                Ok(byte) if lines.take(byte) => {}
                _ => return,
            }
        }
    }

    /// Whether the terminal is this program's: it would stop one in the background that reads.
    pub(super) fn is_foreground() -> bool {
        tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
    }
}

#[cfg(not(unix))]
mod platform {
    use super::Lines;
    use crate::input::read_byte;

    /// A thread that reads. It stays behind until there is a line.
    pub(super) struct Reading;

    impl Reading {
        #[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
        pub(super) fn start(mut lines: Lines) -> Option<Self> {
            std::thread::spawn(move || while read_byte().is_ok_and(|byte| lines.take(byte)) {});
            Some(Self)
        }
    }

    pub(super) fn is_foreground() -> bool {
        true
    }
}
