//! What a person types, or a script pipes in.
//!
//! Reading cannot be given up everywhere, so it is a thread's, which the exit does not wait for. It
//! takes a byte at a time: what comes after the line is the next reader's.

use std::io::{self, IsTerminal, Write};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// A line without its end; `None` at the end of the input.
type Line = io::Result<Option<Zeroizing<String>>>;

/// Most bytes of a line. Nothing that is asked for is longer; a file that is piped in by mistake is.
const MAX: usize = 16 << 10;

/// Asks with `prompt` on standard error.
pub(crate) async fn ask(prompt: &str) -> Line {
    let mut out = anstream::stderr().lock();
    write!(out, "{prompt}").and_then(|()| out.flush())?;
    drop(out);
    next_line().await
}

/// The next line of standard input.
///
/// # Errors
/// If it cannot be read, is not UTF-8, or is too long.
pub(crate) async fn next_line() -> Line {
    on_thread(|| read_line(Editor::plain())).await
}

/// Asks for a secret, which a terminal does not show.
#[cfg(unix)]
pub(crate) async fn ask_hidden(prompt: &str) -> Line {
    if !io::stdin().is_terminal() {
        return ask(prompt).await;
    }
    // Before the prompt, so that nothing is shown of what is typed at once.
    let quiet = Quiet::start()?;
    let mut out = anstream::stderr().lock();
    write!(out, "{prompt}").and_then(|()| out.flush())?;
    drop(out);
    let answer = on_thread(|| read_line(Editor::of_keys())).await;
    // The Enter was not shown either.
    crate::output::note("");
    drop(quiet);
    answer
}

/// Asks for a secret, which a console does not show.
#[cfg(windows)]
pub(crate) async fn ask_hidden(prompt: &str) -> Line {
    if !io::stdin().is_terminal() {
        return ask(prompt).await;
    }
    let prompt = prompt.to_owned();
    on_thread(|| Ok(Some(Zeroizing::new(rpassword::prompt_password(prompt)?)))).await
}

async fn on_thread(read: impl FnOnce() -> Line + Send + 'static) -> Line {
    let (sender, line) = oneshot::channel();
    std::thread::Builder::new().name("astropass-input".to_owned()).spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(read());
    })?;
    line.await.unwrap_or(Ok(None))
}

fn read_line(mut editor: Editor) -> Line {
    loop {
        match editor.take(read_byte()?) {
            Taken::More => {}
            Taken::Line(line) => return line.map(Some),
            Taken::End => return Ok(None),
        }
    }
}

/// The next byte of standard input, past the buffer of [`io::Stdin`].
#[cfg(unix)]
pub(crate) fn read_byte() -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        match rustix::io::read(io::stdin(), &mut byte) {
            Ok(length) => return Ok((length > 0).then_some(byte[0])),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(windows)]
pub(crate) fn read_byte() -> io::Result<Option<u8>> {
    use std::io::Read;
    io::stdin().lock().bytes().next().transpose()
}

/// Makes lines of what is read.
pub(crate) struct Editor {
    line: Zeroizing<Vec<u8>>,
    /// The terminal leaves to us what some keys do.
    keys: bool,
    too_long: bool,
}

/// What a byte made.
pub(crate) enum Taken {
    More,
    Line(io::Result<Zeroizing<String>>),
    End,
}

impl Editor {
    pub(crate) fn plain() -> Self {
        Self { line: Zeroizing::new(Vec::with_capacity(MAX)), keys: false, too_long: false }
    }

    /// For a terminal that gives each key at once.
    pub(crate) fn of_keys() -> Self {
        Self { keys: true, ..Self::plain() }
    }

    /// How many bytes of a line there are so far.
    pub(crate) fn len(&self) -> usize {
        self.line.len()
    }

    /// Takes in the next byte; `None` is the end of the input.
    pub(crate) fn take(&mut self, byte: Option<u8>) -> Taken {
        match byte {
            // Ctrl-D
            None | Some(0x04) if self.line.is_empty() && (byte.is_none() || self.keys) => {
                return Taken::End;
            }
            None | Some(b'\n') => return self.end(),
            Some(b'\r') if self.keys => return self.end(),
            // Backspace
            Some(0x08 | 0x7f) if self.keys => drop(self.line.pop()),
            // Ctrl-U
            Some(0x15) if self.keys => self.line.clear(),
            Some(byte) if self.keys && byte.is_ascii_control() => {}
            Some(byte) if self.line.len() < MAX => self.line.push(byte),
            Some(_) => self.too_long = true,
        }
        Taken::More
    }

    fn end(&mut self) -> Taken {
        let bytes = std::mem::replace(&mut self.line, Zeroizing::new(Vec::with_capacity(MAX)));
        if std::mem::take(&mut self.too_long) {
            return Taken::Line(Err(io::Error::other("the input has a line that is too long")));
        }
        let text = match str::from_utf8(&bytes) {
            Ok(text) => Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned())),
            Err(_) => Err(io::Error::other("the input is not UTF-8")),
        };
        Taken::Line(text)
    }
}

/// A terminal that shows nothing of what is typed, and gives each key at once: some take no line of
/// more than 1,024 bytes, and tokens are longer. It is as before when this is dropped, which it is
/// when Ctrl-C ends the waiting too.
#[cfg(unix)]
pub(crate) struct Quiet(rustix::termios::Termios);

#[cfg(unix)]
impl Quiet {
    pub(crate) fn start() -> io::Result<Self> {
        use rustix::termios::{
            LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr,
        };
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // A terminal that is gone needs no mending.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
