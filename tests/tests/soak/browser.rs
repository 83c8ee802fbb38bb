//! The user's browser, which a login starts and which outlives it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use astropass_tests::write_program;

/// A program for `BROWSER` that hands each link to a thread of the test.
pub(crate) struct Browser(PathBuf);

impl Browser {
    /// Each link is visited by `visit`. Nobody may answer at its end: the login may have been killed.
    pub(crate) fn new(folder: &Path, visit: impl Fn(&str) + Send + 'static) -> Self {
        let (program, links) = (folder.join("browser"), folder.join("links"));
        assert!(Command::new("mkfifo").arg(&links).status().unwrap().success());
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >'{}'\n", links.display());
        write_program(&program, script.as_bytes());
        thread::spawn(move || {
            // Until the folder is gone.
            while let Ok(given) = fs::read_to_string(&links) {
                given.lines().for_each(&visit);
            }
        });
        Self(program)
    }

    pub(crate) fn program(&self) -> &Path {
        &self.0
    }
}
