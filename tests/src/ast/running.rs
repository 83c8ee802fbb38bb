//! A process whose output is read as it comes.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

use super::Printed;
use crate::HANGS;

/// A process that was started; killed if it is dropped before its end.
#[derive(Debug)]
pub struct Running {
    child: Child,
    chunks: Receiver<(Stream, Vec<u8>)>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    deadline: Instant,
    printed: Option<Printed>,
    /// This side of its terminal, if it has one.
    keyboard: Option<File>,
    /// How much of its output was before the last answer.
    answered: usize,
}

#[derive(Clone, Copy, Debug)]
enum Stream {
    Stdout,
    Stderr,
}

/// How a process ended, and what it printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; `None` if a signal killed it.
    pub code: Option<i32>,
    /// Its standard output, or what a terminal was sent.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Running {
    pub(super) fn piped(
        mut command: Command,
        input: Option<Vec<u8>>,
        printed: Option<Printed>,
    ) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it can be started");
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // One that does not read it all is no failure.
            thread::spawn(move || drop(stdin.write_all(&input)));
        }
        let (sender, chunks) = channel();
        read(child.stdout.take().expect("piped"), Stream::Stdout, sender.clone());
        read(child.stderr.take().expect("piped"), Stream::Stderr, sender);
        Self::new(child, chunks, printed)
    }

    pub(super) fn on_terminal(
        mut command: Command,
        printed: Option<Printed>,
        columns: u16,
    ) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("its other side");
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).expect("its size can be set");
        let name = ptsname(&terminal, Vec::new()).expect("its name");
        let name = name.to_str().expect("its name");
        let other_side = || File::options().read(true).write(true).open(name).expect("a terminal");
        command.stdin(other_side()).stdout(other_side()).stderr(other_side());
        let child = command.spawn().expect("it can be started");
        // The terminal ends when nobody holds its other side any more.
        drop(command);
        let (sender, chunks) = channel();
        let terminal = File::from(terminal);
        let keyboard = terminal.try_clone().expect("a terminal");
        read(terminal, Stream::Stdout, sender);
        let mut running = Self::new(child, chunks, printed);
        running.keyboard = Some(keyboard);
        running
    }

    fn new(child: Child, chunks: Receiver<(Stream, Vec<u8>)>, printed: Option<Printed>) -> Self {
        let deadline = Instant::now() + HANGS;
        let (stdout, stderr) = (Vec::new(), Vec::new());
        Self { child, chunks, stdout, stderr, deadline, printed, keyboard: None, answered: 0 }
    }

    /// Waits until `seen` finds something in the standard output and standard error so far.
    ///
    /// # Panics
    /// If the process ends without it, or hangs.
    pub fn wait_for<T>(&mut self, seen: impl Fn(&str, &str) -> Option<T>) -> T {
        loop {
            let (stdout, stderr) = self.text();
            if let Some(found) = seen(&stdout, &stderr) {
                return found;
            }
            assert!(self.read_on(), "it ended without what was expected:\n{stdout}\n{stderr}");
        }
    }

    /// Waits until its terminal shows `prompt`, and types `line` and Enter there.
    ///
    /// # Panics
    /// If it has no terminal, or as [`wait_for`](Self::wait_for).
    pub fn answer(&mut self, prompt: &str, line: &str) {
        let from = self.answered;
        self.answered = self.wait_for(|stdout, _| {
            let found = stdout.get(from..)?.find(prompt)?;
            Some(from + found + prompt.len())
        });
        let keyboard = self.keyboard.as_mut().expect("it runs on a terminal");
        keyboard.write_all(format!("{line}\r").as_bytes()).expect("it can be typed at");
    }

    /// The line of JSON that `login --json` prints first.
    pub fn prompt(&mut self) -> Value {
        let prompt = self.wait_for(|stdout, _| {
            let (line, _) = stdout.split_once('\n')?;
            Some(line.to_owned())
        });
        serde_json::from_str(&prompt).expect("a line of JSON")
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Interrupts it as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Lets it go on after Ctrl-Z, as a shell does that shows on its terminal what is typed; waits
    /// until it hides that again.
    ///
    /// # Panics
    /// If it has no terminal, or does not.
    pub fn resume(&self) {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let terminal = self.keyboard.as_ref().expect("it runs on a terminal");
        let mut shown = tcgetattr(terminal).expect("its modes");
        shown.local_modes.insert(LocalModes::ECHO | LocalModes::ICANON);
        tcsetattr(terminal, OptionalActions::Now, &shown).expect("its modes can be set");
        kill_process(Pid::from_child(&self.child), Signal::CONT).expect("it can go on");
        while tcgetattr(terminal).expect("its modes").local_modes.contains(LocalModes::ECHO) {
            assert!(Instant::now() < self.deadline, "what is typed is shown after Ctrl-Z");
            thread::yield_now();
        }
    }

    /// Ends it as a time limit does.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it as a terminal does that is closed.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Lets it hang wherever it is, until it is [killed](Self::kill).
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends it wherever it is, as `kill -9` does.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it was not waited for yet");
    }

    /// Waits for its end.
    #[must_use]
    pub fn finish(mut self) -> Output {
        while self.read_on() {}
        let status = self.child.wait().expect("its status");
        let (stdout, stderr) = self.text();
        if let Some(printed) = &self.printed {
            let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
            printed.extend([stdout.clone(), stderr.clone()]);
        }
        Output { code: status.code(), stdout, stderr }
    }

    fn text(&self) -> (String, String) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (text(&self.stdout), text(&self.stderr))
    }

    /// Waits for more output; false at its end.
    fn read_on(&mut self) -> bool {
        match self.chunks.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
            Ok((Stream::Stdout, chunk)) => self.stdout.extend(chunk),
            Ok((Stream::Stderr, chunk)) => self.stderr.extend(chunk),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                let (stdout, stderr) = self.text();
                panic!("it does not end; so far it printed:\n{stdout}\n{stderr}");
            }
        }
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Does nothing to a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut from: impl Read + Send + 'static, stream: Stream, to: Sender<(Stream, Vec<u8>)>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal ends with an error.
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let chunk = buffer.get(..length).unwrap_or_default().to_vec();
            if to.send((stream, chunk)).is_err() {
                break;
            }
        }
    });
}

impl Output {
    /// The standard output of a success.
    ///
    /// # Panics
    /// If it was none.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self}");
        &self.stdout
    }

    /// The standard error of a failure with this exit code, which leaves standard output empty.
    ///
    /// # Panics
    /// If it was not that.
    #[track_caller]
    pub fn failed(&self, code: i32) -> &str {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self}");
        self.stderr.trim_end()
    }

    /// Nothing of what was printed has one of `secrets` in it.
    ///
    /// # Panics
    /// If something has.
    #[track_caller]
    pub fn assert_without(&self, secrets: &[&str]) {
        for secret in secrets {
            let printed = self.stdout.contains(secret) || self.stderr.contains(secret);
            assert!(!printed, "{secret} is in {self}");
        }
    }

    /// The JSON that is all of the standard output, one value a line.
    ///
    /// # Panics
    /// If it is not JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Vec<Value> {
        let line = |line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}\n{self}"))
        };
        self.stdout.lines().map(line).collect()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "exit code {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
