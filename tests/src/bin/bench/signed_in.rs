//! A temporary home in which `ast` is signed in.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use astropass_tests::server::{Approval, Options, Server};
use tempfile::TempDir;

use super::programs::Program;
use super::{Outcome, beside};

pub(super) struct SignedIn {
    home: TempDir,
    token: String,
    /// A fresh token needs no server; it is here for the peers.
    pub(super) server: Server,
}

impl SignedIn {
    /// Signs `ast` in for hours, with its tokens in `store`.
    pub(super) fn start(store: &str) -> Outcome<Self> {
        let server = Server::start(Options {
            interval: Some(Duration::from_secs(1)),
            access_token_ttl: Duration::from_secs(6 * 3600),
            auto_approve: Some(Approval::default()),
            ..Options::default()
        })?;
        let home = tempfile::Builder::new().prefix("astropass-bench-").tempdir()?;
        let mut login = Command::new(beside("ast")?);
        login.args(["login", "--no-browser", "--client-id", "client_test", "--store", store]);
        login.args(["--server", server.url(), "--workos-url", server.url()]);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("ASTRO_") || name.to_ascii_lowercase().ends_with("_proxy") {
                login.env_remove(name.as_ref());
            }
        }
        login.env("ASTRO_HOME", home.path()).stdin(Stdio::null());
        let output = login.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let token = Command::new(beside("ast")?)
            .arg("token")
            .env("ASTRO_HOME", home.path())
            .env_remove("ASTRO_ACCESS_TOKEN")
            .output()?;
        let token = String::from_utf8(token.stdout)?.trim_end().to_owned();
        if !server.issued().contains(&token) {
            return Err("ast does not print the token that it was given".into());
        }
        let signed_in = Self { home, token, server };
        // As most tokens: not just stored. `ast` reads a file again that is as young as a tick.
        let a_minute_ago = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(signed_in.file())?.set_modified(a_minute_ago)?;
        Ok(signed_in)
    }

    pub(super) fn path(&self) -> &Path {
        self.home.path()
    }

    /// The file that holds the tokens, or says where they are.
    pub(super) fn file(&self) -> PathBuf {
        self.path().join(".astro").join("credentials.json")
    }

    /// The access token.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn ast_token(&self) -> Outcome<Program> {
        let program = Program::new("ast token", beside("ast")?, &self.token);
        Ok(program.arg("token").env("ASTRO_HOME", self.path()))
    }
}
