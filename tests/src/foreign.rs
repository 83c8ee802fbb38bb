//! Authorization servers that others wrote, run from npm by the wrappers in `tests/servers`, and
//! the person who approves or denies on their pages.
//!
//! `tests/setup/debian` installs them. Each listens on a free loopback port, and ends with its
//! [`Foreign`], or with the test process, because that closes its standard input.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Starting Node.js and an RSA key take a second on an idle machine.
const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(5);

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Foreign {
    child: Child,
    output: Receiver<String>,
    facts: Value,
}

impl Foreign {
    /// npm `oidc-provider`: discovery, device flow, code + PKCE, rotation with reuse detection,
    /// revocation, introspection and userinfo.
    ///
    /// `options` is an object; `tests/servers/oidc-provider.mjs` lists the names, as
    /// `access_token_ttl` in seconds. [`facts`](Self::facts): `url` (the issuer), `client_id`,
    /// `spa_client_id`.
    ///
    /// # Errors
    ///
    /// If Node.js is missing, an option is unknown, or the server does not start within a minute.
    pub fn oidc_provider(options: &Value) -> io::Result<Self> {
        Self::start("oidc-provider.mjs", options)
    }

    /// WorkOS's own emulator, which approves each device flow at once.
    ///
    /// `tests/servers/workos.mjs` lists the options. [`facts`](Self::facts): `url`, `client_id`,
    /// `user`, and `organizations`, each with `id` and `name`.
    ///
    /// # Errors
    ///
    /// As for [`oidc_provider`](Self::oidc_provider).
    pub fn workos(options: &Value) -> io::Result<Self> {
        Self::start("workos.mjs", options)
    }

    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.facts.get("url").and_then(Value::as_str).unwrap_or_default()
    }

    /// All that it said of itself when it was ready.
    #[must_use]
    pub fn facts(&self) -> &Value {
        &self.facts
    }

    fn start(script: &str, options: &Value) -> io::Result<Self> {
        let mut child = node(script)
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("node: {error}")))?;
        let output = lines(&mut child);
        let mut server = Self { child, output, facts: Value::Null };
        let line = server.output.recv_timeout(START).map_err(|_| {
            io::Error::other(format!("{script} did not start; its reason is on stderr"))
        })?;
        server.facts = serde_json::from_str(&line)?;
        Ok(server)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // The end of its output is the end of the process.
        while let Ok(_more) = self.output.recv_timeout(END) {}
        // Does nothing to a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Goes through the pages at `uri` as a person who approves would. `uri` is a complete verification
/// URI, or a verification URI with the `user_code` to type there, or an authorization URL; then the
/// client's own callback is the last page.
///
/// # Errors
///
/// If a page could not be had, or asks for something that no person could know.
pub fn approve(uri: &str, user_code: Option<&str>) -> io::Result<()> {
    person(&[uri].into_iter().chain(user_code).collect::<Vec<_>>())
}

/// Like [`approve`], by the user `name` in a browser that keeps its cookies in the file `cookies`.
///
/// # Errors
///
/// As for [`approve`].
pub fn approve_as(name: &str, cookies: &Path, uri: &str) -> io::Result<()> {
    let cookies = cookies.to_str().ok_or(io::ErrorKind::InvalidInput)?;
    person(&[uri, "--login", name, "--cookies", cookies])
}

/// Like [`approve`], and presses the other button.
///
/// # Errors
///
/// As for [`approve`], and if there is no such button.
pub fn deny(uri: &str, user_code: Option<&str>) -> io::Result<()> {
    person(&[uri].into_iter().chain(user_code).chain(["--deny"]).collect::<Vec<_>>())
}

fn person(arguments: &[&str]) -> io::Result<()> {
    let output = node("approve.mjs").args(arguments).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn node(script: &str) -> Command {
    let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers");
    let mut command = Command::new(newer_node(&servers).unwrap_or_else(|| "node".into()));
    command.arg(servers.join(script));
    command
}

/// The Node.js that the set-up took from npm where the system's is too old.
fn newer_node(servers: &Path) -> Option<PathBuf> {
    let packages = servers.join(".node/node_modules").read_dir().ok()?;
    let mut binaries =
        packages.filter_map(Result::ok).map(|package| package.path().join("bin/node"));
    binaries.find(|binary| binary.is_file())
}

/// What the process prints, line by line; the channel closes when the process does.
fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}
