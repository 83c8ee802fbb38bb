//! What the user pastes while something else is waited for.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeroize::Zeroizing;

/// Most bytes of a line. What is longer is cut, and so refused.
const MAX: usize = 16 << 10;

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
        let reading = platform::Reading::start(Lines::new(sender, typed.clone()))?;
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

/// Makes lines of what is read.
struct Lines {
    line: Zeroizing<Vec<u8>>,
    sender: UnboundedSender<Zeroizing<String>>,
    typed: Typed,
}

impl Lines {
    fn new(sender: UnboundedSender<Zeroizing<String>>, typed: Typed) -> Self {
        Self { line: Zeroizing::new(Vec::with_capacity(MAX)), sender, typed }
    }

    /// Takes in `bytes`, with the keys that a terminal which waits for whole lines would act on.
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => self.end(),
                // Backspace
                0x08 | 0x7f => drop(self.line.pop()),
                // Ctrl-U
                0x15 => self.line.clear(),
                byte if self.line.len() < MAX && !byte.is_ascii_control() => self.line.push(*byte),
                _ => {}
            }
        }
        self.typed.0.store(self.line.len(), Ordering::Relaxed);
    }

    fn end(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        if !line.trim().is_empty() {
            // Nobody may be waiting any more.
            let _ = self.sender.send(Zeroizing::new(line.into_owned()));
        }
        self.line.clear();
    }
}

#[cfg(unix)]
mod platform {
    use std::io::{PipeReader, PipeWriter, pipe, stdin};

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::{Errno, read};
    use rustix::process::getpgrp;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    };
    use zeroize::Zeroizing;

    use super::Lines;

    /// A thread that reads. It ends when this is dropped, and so takes no input that is not ours.
    pub(super) struct Reading {
        _wake: PipeWriter,
        _quiet: Option<Quiet>,
    }

    impl Reading {
        pub(super) fn start(lines: Lines) -> Option<Self> {
            let (woken, wake) = pipe().ok()?;
            let quiet = Quiet::start();
            std::thread::spawn(move || take(lines, &woken));
            Some(Self { _wake: wake, _quiet: quiet })
        }
    }

    fn take(mut lines: Lines, woken: &PipeReader) {
        let mut buffer = Zeroizing::new([0; 4096]);
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
            match read(&stdin, &mut buffer[..]) {
                // The last line may have no end.
                Ok(0) => return lines.end(),
                Ok(length) => lines.push(buffer.get(..length).unwrap_or_default()),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return,
            }
        }
    }

    /// Whether the terminal is this program's: it would stop one in the background that reads.
    pub(super) fn is_foreground() -> bool {
        tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
    }

    /// A terminal that shows nothing of what is typed, which would be drawn over, and that gives
    /// it at once: some take no line of more than 1,024 bytes.
    struct Quiet(Termios);

    impl Quiet {
        fn start() -> Option<Self> {
            let before = tcgetattr(stdin()).ok()?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
            quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
            quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(stdin(), OptionalActions::Now, &quiet).ok()?;
            Some(Self(before))
        }
    }

    impl Drop for Quiet {
        fn drop(&mut self) {
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
        }
    }
}

#[cfg(not(unix))]
mod platform {
    use std::io::{BufRead, stdin};

    use super::Lines;

    /// A thread that reads. It stays behind until there is a line.
    pub(super) struct Reading;

    impl Reading {
        #[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
        pub(super) fn start(mut lines: Lines) -> Option<Self> {
            std::thread::spawn(move || {
                let mut input = stdin().lock();
                let mut line = zeroize::Zeroizing::new(Vec::new());
                while !lines.sender.is_closed()
                    && matches!(input.read_until(b'\n', &mut line), Ok(1..))
                {
                    lines.push(&line);
                    line.clear();
                }
                lines.end();
            });
            Some(Self)
        }
    }

    pub(super) fn is_foreground() -> bool {
        true
    }
}
