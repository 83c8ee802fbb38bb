//! A program for `BROWSER` that goes through the pages by itself.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::{env, slice};

use tempfile::TempDir;

use super::{Visit, Visitor, node_binary, servers};
use crate::{HANGS, write_program};

/// What a client opens as the browser: each URL that it is given is visited by the same person.
#[derive(Debug)]
pub struct Browser {
    folder: TempDir,
    visits: Receiver<io::Result<Visit>>,
}

impl Browser {
    /// Makes the program.
    ///
    /// # Errors
    ///
    /// If the disk or the network is not as it should be.
    pub fn of(visitor: &Visitor) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (sender, visits) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut report = Vec::new();
                let read = stream.and_then(|mut stream| stream.read_to_end(&mut report));
                if sender.send(read.and_then(|_| Visit::parse(&report))).is_err() {
                    break;
                }
            }
        });

        let program = [in_path(&node_binary())?.into(), servers().join("person.mjs").into()];
        let report = ["--report".into(), address.to_string().into()];
        let words = program.into_iter().chain(visitor.arguments().iter().cloned()).chain(report);
        let mut script = b"#!/bin/sh\n".to_vec();
        script.extend(words.flat_map(|word| quoted(&word)));
        // The client must not depend on when its browser ends.
        script.extend(b"\"$@\" >/dev/null 2>&1 &\n");
        let folder = tempfile::tempdir()?;
        let browser = Self { folder, visits };
        write_program(&browser.program(), &script);
        Ok(browser)
    }

    /// The value for `BROWSER`. It needs nothing else of the environment.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("browser")
    }

    /// Waits until the next visit is over.
    ///
    /// # Errors
    ///
    /// As for [`Visitor::visit`], and if nothing is opened.
    pub fn visit(&self) -> io::Result<Visit> {
        let gone = |error: RecvTimeoutError| io::Error::other(error);
        self.visits.recv_timeout(HANGS).map_err(gone)?
    }
}

/// Where the shell finds it here; the client runs its browser with another `PATH`.
fn in_path(program: &Path) -> io::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // A program that is absolute replaces each folder.
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|at| at.is_file());
    let missing = || format!("there is no {} in PATH", program.display());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, missing()))
}

/// A word of a shell, and a space.
fn quoted(word: &OsStr) -> Vec<u8> {
    let escaped = word.as_bytes().iter().flat_map(|byte| match byte {
        b'\'' => b"'\\''".as_slice(),
        byte => slice::from_ref(byte),
    });
    b"'".iter().chain(escaped).chain(b"' ").copied().collect()
}
