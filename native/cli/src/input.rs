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
        true => Some(Hidden::begin()?),
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
struct Hidden {
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Hidden {
    fn begin() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // The Enter is shown, so that what follows begins a line.
        quiet.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // A terminal that is gone needs no mending.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
