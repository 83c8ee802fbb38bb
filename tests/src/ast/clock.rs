//! A program under a clock of its own, by libfaketime.

use std::fs;
use std::path::{Path, PathBuf};

use super::Ast;

/// A clock that is off, and can be stepped while programs run under it.
#[derive(Debug)]
pub struct Clock {
    file: PathBuf,
}

impl Clock {
    /// The right one so far. Its file is in `folder`.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let clock = Self { file: folder.join("clock") };
        clock.step("+0");
        clock
    }

    /// From now on it is off by `offset`, such as `-1d` or `+400`, in seconds.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn step(&self, offset: &str) {
        // Somebody may be reading it.
        let new = self.file.with_extension("new");
        fs::write(&new, offset).and_then(|()| fs::rename(&new, &self.file)).expect("a file");
    }
}

impl Ast {
    /// Under a wall clock that is off by `offset`, such as `+1d` or `+0 x10`. The monotonic one
    /// stays as it is, as where somebody sets the clock of the machine.
    pub fn off_by(self, offset: &str) -> Self {
        self.preloaded().env("FAKETIME", offset).env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// Under the wall clock `clock`; the monotonic one stays as it is.
    pub fn by(self, clock: &Clock) -> Self {
        self.by_both(clock).env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    /// Under a wall and a monotonic clock that are stepped together.
    pub fn by_both(self, clock: &Clock) -> Self {
        let preloaded = self.preloaded().env("FAKETIME_TIMESTAMP_FILE", &clock.file);
        preloaded.env("FAKETIME_NO_CACHE", "1")
    }

    /// With both clocks running `times` as fast.
    pub fn hurried(self, times: u32) -> Self {
        self.preloaded().env("FAKETIME", format!("+0 x{times}"))
    }

    fn preloaded(self) -> Self {
        self.env("LD_PRELOAD", libfaketime())
    }
}

/// It is where its package puts it, in a folder named after the machine.
fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("a folder").flatten().map(|entry| entry.path());
    let mut found = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    found.find(|path| path.exists()).expect("libfaketime: run `make setup`")
}
