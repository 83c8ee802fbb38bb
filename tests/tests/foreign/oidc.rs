//! npm `oidc-provider`: a certified server, with rotation and without any grace.

mod browser;
mod login;
mod session;

use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use astropass_tests::ast::{Ast, Home, Output};
use astropass_tests::foreign::{self, Foreign};
use serde_json::{Value, json};

use super::signed_in;

/// How many tests end a session or change it; each needs one of its own.
const SESSIONS: usize = 8;

/// The server that most tests share, and sessions there, all made at once: each login waits five
/// seconds for its first poll.
static SHARED: LazyLock<Mutex<Shared>> = LazyLock::new(|| Mutex::new(Shared::start()));

struct Shared {
    server: Foreign,
    /// The content of `credentials.json` after each login.
    sessions: Vec<Value>,
    /// What one of the logins printed.
    printed: Output,
}

impl Shared {
    fn start() -> Self {
        let server = Foreign::oidc_provider(&json!({})).unwrap();
        let issuer = server.url();
        let logins: Vec<_> = thread::scope(|scope| {
            let login = || {
                let home = Home::new();
                let output = approved(login(&home, issuer));
                signed_in(&output);
                (home.credentials(), output)
            };
            let threads: Vec<_> = (0..SESSIONS).map(|_| scope.spawn(login)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (sessions, mut printed): (_, Vec<_>) = logins.into_iter().unzip();
        Self { server, sessions, printed: printed.pop().unwrap() }
    }
}

fn shared<T>(ask: impl FnOnce(&mut Shared) -> T) -> T {
    ask(&mut SHARED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The issuer of the shared server.
fn issuer() -> String {
    shared(|shared| shared.server.url().to_owned())
}

/// A home that is signed in at the shared server, with a session that no other test has.
fn session() -> Home {
    let home = Home::new();
    home.set_credentials(&shared(|shared| shared.sessions.pop()).expect("more SESSIONS"));
    // Other tests may have taken minutes since the login.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    home.edit("default", |profile| profile["session"]["received_at"] = now.into());
    home
}

/// A login that prints JSON.
fn login(home: &Home, issuer: &str) -> Ast {
    home.ast("login --json --no-browser --store file").args([
        "--client-id",
        "astropass-cli",
        "--issuer",
        issuer,
    ])
}

/// What the login printed after a person said yes.
fn approved(login: Ast) -> Output {
    let mut running = login.start();
    foreign::approve(&complete_uri(&running.prompt()), None).unwrap();
    running.finish()
}

fn complete_uri(prompt: &Value) -> String {
    prompt["verification_uri_complete"].as_str().unwrap().to_owned()
}
