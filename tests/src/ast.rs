//! The real `ast`, run as a shell would run it, in a home of its own and without a keyring.
//!
//! What it prints is kept, and when the [`Home`] is dropped, searched for tokens together with
//! every file that `ast` left there.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up must fail"
)]

#[cfg(target_os = "linux")]
mod clock;
mod limited;
mod program;
mod report;
mod running;
mod screen;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod trace;
mod world;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

#[cfg(target_os = "linux")]
pub use self::clock::Clock;
pub use self::limited::{Costly, MOST, MOST_FOR_API, costly_answers};
pub use self::program::program;
pub use self::report::Report;
pub use self::running::{Output, Running};
pub use self::screen::{EVIL, assert_plain, without_own_styles};
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub use self::trace::{Call, Traced};
pub use self::world::{CLIENT, World, eager};
use crate::server::CANARY;

/// A directory for `ASTRO_HOME`, deleted when dropped.
///
/// Dropping it panics if a token is in anything that was printed, unless it was meant to be, or in
/// any file but `credentials.json`, or if others could read a file in `.astro`.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    printed: Printed,
}

type Printed = Arc<Mutex<Vec<String>>>;

impl Home {
    /// An empty home.
    #[must_use]
    pub fn new() -> Self {
        // Built before anything can be timed.
        let _ = program("ast");
        let folder = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(folder.path().join("no-bus")).expect("a directory");
        Self { folder, printed: Printed::default() }
    }

    /// What `ASTRO_HOME` names.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `.astro/credentials.json`, whether it is there or not.
    #[must_use]
    pub fn credentials_file(&self) -> PathBuf {
        self.path().join(".astro/credentials.json")
    }

    /// The content of `credentials.json`.
    #[must_use]
    pub fn credentials(&self) -> Value {
        let text = fs::read(self.credentials_file()).expect("credentials.json");
        serde_json::from_slice(&text).expect("credentials.json is JSON")
    }

    /// Replaces `credentials.json`.
    pub fn set_credentials(&self, credentials: &Value) {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        let folder = self.path().join(".astro");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("a directory");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(self.credentials_file()).expect("credentials.json");
        serde_json::to_writer_pretty(file, credentials).expect("credentials.json");
    }

    /// Changes what `credentials.json` says of one profile.
    pub fn edit(&self, profile: &str, change: impl FnOnce(&mut Value)) {
        let mut credentials = self.credentials();
        change(&mut credentials["profiles"][profile]);
        self.set_credentials(&credentials);
    }

    /// The tokens of a profile came `seconds` earlier: the clocks' way of getting old.
    pub fn age(&self, profile: &str, seconds: i64) {
        self.edit(profile, |profile| {
            let received_at = &mut profile["session"]["received_at"];
            *received_at = (received_at.as_i64().expect("received_at") - seconds).into();
        });
    }

    /// `ast` with the words of `args`, its environment clean but for this home.
    pub fn ast(&self, args: &str) -> Ast {
        self.program("ast").args(args.split_whitespace())
    }

    /// A program of this workspace in the same environment as `ast`.
    pub fn program(&self, name: &str) -> Ast {
        self.program_at(program(name))
    }

    /// The program at `path` in the same environment as `ast`.
    pub fn program_at(&self, path: &Path) -> Ast {
        let mut command = Command::new(path);
        command.current_dir(self.path()).env_clear();
        // No session bus can be found by its variable or by its usual place.
        command.env("XDG_RUNTIME_DIR", self.path().join("no-bus"));
        command.env("ASTRO_HOME", self.path()).env("HOME", self.path());
        command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm-256color");
        // Whoever runs the tests wants no windows, and no questions from the Keychain.
        command.env("BROWSER", "true");
        if cfg!(target_os = "macos") {
            command.env("ASTRO_STORE", "file");
        }
        command.stdin(Stdio::null());
        Ast { command, input: None, printed: Some(Arc::clone(&self.printed)) }
    }

    /// Every file below, with its path from here.
    fn files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.path().to_owned()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a directory") {
                let path = entry.expect("an entry").path();
                match fs::symlink_metadata(&path).expect("its metadata").file_type() {
                    kind if kind.is_dir() => folders.push(path),
                    kind if kind.is_file() => files.push(path),
                    _ => {}
                }
            }
        }
        files
    }

    fn check(&self) {
        use std::os::unix::fs::MetadataExt;
        for text in self.printed.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            assert!(!has_secret(text.as_bytes()), "a token was printed:\n{text}");
        }
        for path in self.files() {
            let content = fs::read(&path).expect("a file");
            let is_store = path == self.credentials_file();
            assert!(is_store || !has_secret(&content), "a token is in {}", path.display());
            let mode = fs::metadata(&path).expect("its metadata").mode();
            let in_store = path.parent() == Some(&self.path().join(".astro"));
            let is_private = mode & 0o077 == 0 || !in_store;
            assert!(is_private, "{} has mode {mode:o}", path.display());
        }
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
    }
}

/// Whether `text` contains a token of the embedded server, whole or decoded.
fn has_secret(text: &[u8]) -> bool {
    let contains = |marker: &str| text.windows(marker.len()).any(|at| at == marker.as_bytes());
    contains(CANARY) || contains("canary")
}

/// One call of `ast`, to be [run](Self::run) or [started](Self::start).
#[derive(Debug)]
#[must_use]
pub struct Ast {
    command: Command,
    input: Option<Vec<u8>>,
    printed: Option<Printed>,
}

impl Ast {
    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes a variable from its environment.
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// What it reads on standard input, which is empty otherwise.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.command.stdin(Stdio::piped());
        self.input = Some(input.into());
        self
    }

    /// Where it reads standard input from.
    pub fn stdin_from(mut self, input: impl Into<Stdio>) -> Self {
        self.command.stdin(input);
        self
    }

    /// It is meant to print a token, so its output is not searched for one.
    pub fn printing_a_token(mut self) -> Self {
        self.printed = None;
        self
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Output {
        self.start().finish()
    }

    /// Starts it with pipes for its output.
    #[must_use]
    pub fn start(self) -> Running {
        Running::piped(self.command, self.input, self.printed)
    }

    /// Starts it on a terminal, which is what it reads and writes; both come as `stdout`.
    #[must_use]
    pub fn start_on_terminal(self) -> Running {
        Running::on_terminal(self.command, self.printed, 0)
    }

    /// The same, on a terminal that says how many columns it has.
    #[must_use]
    pub fn start_on_terminal_of(self, columns: u16) -> Running {
        Running::on_terminal(self.command, self.printed, columns)
    }
}
