//! What a person types, or a script pipes in.
//!
//! Reading a terminal cannot be given up, so it is a thread's, which the exit does not wait for. A
//! line that nobody waits for any more is the next one's who asks.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeroize::Zeroizing;

/// A line without its end; `None` at the end of the input.
type Line = io::Result<Option<Zeroizing<String>>>;

/// Nothing that is asked for is longer; a file that is piped in by mistake is.
const LONGEST: u64 = 64 << 10;

struct Reader {
    wanted: mpsc::Sender<()>,
    lines: UnboundedReceiver<Line>,
    /// The thread reads already, for somebody who gave up.
    reading: bool,
}

static READER: OnceLock<Mutex<Reader>> = OnceLock::new();

/// The next line of standard input. It may be given up; then the line is not lost.
///
/// # Errors
/// If it cannot be read, is not UTF-8, or is too long.
pub(crate) async fn next_line() -> Line {
    let mut reader = READER.get_or_init(|| Mutex::new(Reader::start())).lock().await;
    if !reader.reading {
        reader.reading = reader.wanted.send(()).is_ok();
    }
    let line = reader.lines.recv().await;
    reader.reading = false;
    line.unwrap_or(Ok(None))
}

/// Asks with `prompt` on standard error; `None` at the end of the input.
pub(crate) async fn ask(prompt: &str) -> Line {
    let mut out = anstream::stderr().lock();
    write!(out, "{prompt}").and_then(|()| out.flush())?;
    drop(out);
    next_line().await
}

/// Asks for a secret, which a terminal does not show.
#[cfg(unix)]
pub(crate) async fn ask_hidden(prompt: &str) -> Line {
    let hidden = match io::stdin().is_terminal() {
        true => Some(Quiet::hidden()?),
        false => None,
    };
    let answer = ask(prompt).await;
    drop(hidden);
    answer
}

/// Asks for a secret, which a console does not show.
#[cfg(windows)]
pub(crate) async fn ask_hidden(prompt: &str) -> Line {
    if !io::stdin().is_terminal() {
        return ask(prompt).await;
    }
    let prompt = prompt.to_owned();
    let (sender, answer) = tokio::sync::oneshot::channel();
    // The exit does not wait for it.
    std::thread::Builder::new().name("astropass-input".to_owned()).spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(rpassword::prompt_password(prompt));
    })?;
    let answer = answer.await.map_err(|_| io::ErrorKind::Interrupted)??;
    Ok(Some(Zeroizing::new(answer)))
}

impl Reader {
    fn start() -> Self {
        let (wanted, wishes) = mpsc::channel();
        let (sender, lines) = unbounded_channel();
        let reading = move || serve(&wishes, &sender);
        // Without a thread there is nothing to read: the channels are closed, and say so.
        let _ = std::thread::Builder::new().name("astropass-input".to_owned()).spawn(reading);
        Self { wanted, lines, reading: false }
    }
}

fn serve(wishes: &mpsc::Receiver<()>, lines: &UnboundedSender<Line>) {
    while wishes.recv().is_ok() {
        if lines.send(read_line()).is_err() {
            return;
        }
    }
}

fn read_line() -> Line {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    let read = io::stdin().lock().take(LONGEST).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LONGEST {
        return Err(io::Error::other("the input has a line that is too long"));
    }
    let text = str::from_utf8(&bytes).map_err(|_| io::Error::other("the input is not UTF-8"))?;
    Ok(Some(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned())))
}

/// Keeps a terminal from showing what is typed, until it is dropped: when the answer came, and
/// when Ctrl-C ends the waiting.
#[cfg(unix)]
pub(crate) struct Quiet {
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Quiet {
    /// For a secret.
    fn hidden() -> io::Result<Self> {
        use rustix::termios::LocalModes;
        // The Enter is shown, so that what follows begins a line.
        Self::begin(LocalModes::ECHO, LocalModes::ECHONL)
    }

    /// For a line as long as it may be: a terminal that gathers it takes 1,024 bytes on some
    /// systems. What the keys for editing send is in it.
    pub(crate) fn unbroken() -> io::Result<Self> {
        use rustix::termios::LocalModes;
        Self::begin(LocalModes::ECHO | LocalModes::ICANON, LocalModes::empty())
    }

    fn begin(
        removed: rustix::termios::LocalModes,
        added: rustix::termios::LocalModes,
    ) -> io::Result<Self> {
        use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(removed);
        quiet.local_modes.insert(added);
        // Some systems keep the codes of the two ways to read in one place.
        if removed.contains(rustix::termios::LocalModes::ICANON) {
            quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
            quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        }
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // A terminal that is gone needs no mending.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// A console takes long lines, and shows them.
#[cfg(windows)]
pub(crate) struct Quiet;

#[cfg(windows)]
impl Quiet {
    pub(crate) fn unbroken() -> io::Result<Self> {
        Ok(Self)
    }
}

/// Whether the terminal is this program's: one in the background that reads is stopped.
pub(crate) fn is_foreground() -> bool {
    cfg_select! {
        unix => {
            let group = rustix::termios::tcgetpgrp(io::stdin());
            group.is_ok_and(|group| group == rustix::process::getpgrp())
        }
        _ => true,
    }
}
