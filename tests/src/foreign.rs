//! Authorization servers that others wrote, run from npm by the wrappers in `tests/servers`, what
//! stands around them, and the person who approves or denies on their pages.
//!
//! `tests/setup/debian` installs them. Each listens on a free loopback port, and ends with its
//! [`Foreign`], or with the test process, because that closes its standard input.

#[cfg(unix)]
mod browser;
mod domains;
mod visitor;

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

#[cfg(unix)]
pub use self::browser::Browser;
pub use self::domains::{Domains, RegisteredPort};
pub use self::visitor::{Page, Visit, Visitor};
use crate::{HANGS, client};

const END: Duration = Duration::from_secs(5);

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Foreign {
    child: Child,
    output: Mutex<Receiver<String>>,
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
    /// If Node.js is missing, an option is unknown, or the server does not start.
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

    /// What `astro` signs in to: the cloud's login server (npm `oidc-provider` again, laid out as
    /// the cloud's) and API, Houston (on npm `graphql`), and the app with its page for tokens.
    ///
    /// `tests/servers/astro.mjs` lists the options. [`facts`](Self::facts): `login` (the issuer,
    /// with its slash at the end), `api`, `houston`, `app`, `ports` of these, `client_id`,
    /// `audience`. [`Domains`] gives them the names of the originals.
    ///
    /// # Errors
    ///
    /// As for [`oidc_provider`](Self::oidc_provider).
    pub fn astro(options: &Value) -> io::Result<Self> {
        Self::start("astro.mjs", options)
    }

    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.fact("url")
    }

    /// One of the [`facts`](Self::facts) that are text; empty if there is no such one.
    #[must_use]
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The requests that came to one of its servers (`login`, `api`, `houston`, `app`), in their
    /// order, each with `method`, `path`, `query`, `headers`, `body` and `status`. A standard
    /// server has only a `login`; WorkOS's emulator keeps none.
    ///
    /// # Errors
    ///
    /// If the server has ended.
    pub fn requests(&self, server: &str) -> io::Result<Vec<Value>> {
        let answer = self.control("GET /requests", &Value::Null)?;
        let requests = answer.get("requests").and_then(Value::as_array).cloned();
        let mut requests = requests.unwrap_or_default();
        requests.retain(|request| request.get("server").is_some_and(|name| name == server));
        Ok(requests)
    }

    /// Every token that it gave out: for searching, not for showing.
    ///
    /// # Errors
    ///
    /// If the server has ended.
    pub fn issued(&self) -> io::Result<Vec<String>> {
        let answer = self.control("GET /issued", &Value::Null)?;
        let issued = answer.get("issued").and_then(Value::as_array);
        let text = |token: &Value| token.as_str().map(str::to_owned);
        Ok(issued.into_iter().flatten().filter_map(text).collect())
    }

    /// Changes options from now on. `faults` is one of them: see `tests/servers/control.mjs`.
    ///
    /// # Errors
    ///
    /// If there is no such option.
    pub fn set(&self, options: &Value) -> io::Result<()> {
        self.control("POST /set", options).map(drop)
    }

    /// An access token of the cloud, as if `user` had signed in. Negative seconds: an expired one.
    ///
    /// # Errors
    ///
    /// If this is not [`astro`](Self::astro).
    pub fn cloud_token(&self, user: &str, expires_in: i64) -> io::Result<String> {
        let wanted = json!({"user": user, "expires_in": expires_in});
        Ok(text(&self.control("POST /tokens", &wanted)?, "access_token"))
    }

    /// A token of Houston's, as its page shows one. Negative seconds: an expired one.
    ///
    /// # Errors
    ///
    /// If this is not [`astro`](Self::astro), or Houston does not know `user`.
    pub fn houston_token(&self, user: &str, expires_in: i64) -> io::Result<String> {
        let wanted = json!({"user": user, "expires_in": expires_in});
        Ok(text(&self.control("POST /houston-tokens", &wanted)?, "token"))
    }

    fn output(&mut self) -> &mut Receiver<String> {
        self.output.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self, route: &str, body: &Value) -> io::Result<Value> {
        let (method, path) = route.split_once(' ').ok_or(io::ErrorKind::InvalidInput)?;
        let method = method.parse().map_err(io::Error::other)?;
        let call = client::call(method, &format!("{}{path}", self.fact("control")));
        let reply = if body.is_null() { call.send()? } else { call.json(body).send()? };
        match reply.status().is_success() {
            true => Ok(reply.json()),
            false => Err(io::Error::other(format!("{route}: {}", text(&reply.json(), "error")))),
        }
    }

    /// All that it said of itself when it was ready.
    #[must_use]
    pub fn facts(&self) -> &Value {
        &self.facts
    }

    fn start(script: &str, options: &Value) -> io::Result<Self> {
        crate::logs::keep();
        let mut child = node(script)
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("node: {error}")))?;
        let output = lines(&mut child);
        let mut server = Self { child, output: Mutex::new(output), facts: Value::Null };
        let line = server.output().recv_timeout(HANGS).map_err(|_| {
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
        while let Ok(_more) = self.output().recv_timeout(END) {}
        // Does nothing to a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Goes through the pages at `uri` as a person who approves would. `uri` is a complete verification
/// URI, or a verification URI with the `user_code` to type there.
///
/// # Errors
///
/// If a page could not be had, or asks for something that no person could know.
pub fn approve(uri: &str, user_code: Option<&str>) -> io::Result<()> {
    Visitor::default().visit_with_code(uri, user_code).map(drop)
}

/// Like [`approve`], and presses the other button.
///
/// # Errors
///
/// As for [`approve`], and if there is no such button.
pub fn deny(uri: &str, user_code: Option<&str>) -> io::Result<()> {
    Visitor::default().denying().visit_with_code(uri, user_code).map(drop)
}

fn node(script: &str) -> Command {
    let mut command = Command::new(node_binary());
    command.arg(servers().join(script));
    command
}

fn servers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("servers")
}

/// The Node.js that the set-up took from npm where the system's is too old.
fn node_binary() -> PathBuf {
    let newer = || {
        let packages = servers().join(".node/node_modules").read_dir().ok()?;
        let mut binaries =
            packages.filter_map(Result::ok).map(|package| package.path().join("bin/node"));
        binaries.find(|binary| binary.is_file())
    };
    newer().unwrap_or_else(|| "node".into())
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

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
