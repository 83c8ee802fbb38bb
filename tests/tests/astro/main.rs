//! The real `astro` against the cloud's login server and API, and against Houston, under their real
//! names.

#![cfg(test)]
#![cfg(unix)]
#![allow(missing_docs)]

mod contexts;
mod doctor;
mod environment;
mod faults;
mod login;
mod memory;
mod secrets;
mod software;
mod terminal;
mod token_login;
mod workspaces;

use std::sync::{Arc, LazyLock};

use astropass_tests::ast::{Ast, Home, Output};
use astropass_tests::foreign::{Browser, Domains, RegisteredPort, Visit, Visitor};
use serde_json::{Value, json};

const CLOUD: &str = "astronomer.io";
const SOFTWARE: &str = "software.example";

/// The servers, and somebody at a terminal.
struct World {
    home: Home,
    domains: Arc<Domains>,
}

/// For those who change nothing there and do not look at what came.
static SHARED: LazyLock<Arc<Domains>> = LazyLock::new(|| start(&json!({})));

fn start(options: &Value) -> Arc<Domains> {
    Arc::new(Domains::start(CLOUD, SOFTWARE, options).unwrap())
}

impl World {
    /// Nobody is signed in, at servers that other tests use too.
    fn new() -> Self {
        Self { home: Home::new(), domains: Arc::clone(&SHARED) }
    }

    /// Nobody is signed in, at servers of the test's own.
    fn with(options: &Value) -> Self {
        Self { home: Home::new(), domains: start(options) }
    }

    fn astro(&self, args: &str) -> Ast {
        self.program("astro", args)
    }

    fn program(&self, name: &str, args: &str) -> Ast {
        let program = self.home.program(name).args(args.split_whitespace());
        let program = program.env("HTTPS_PROXY", self.domains.proxy.url());
        program.env("SSL_CERT_FILE", self.domains.ca_file())
    }

    /// Somebody signs in to Software with a password.
    fn with_password(self, identity: &str, password: &str) -> Self {
        let input = format!("{identity}\n{password}\n");
        let command = format!("login {SOFTWARE}");
        self.astro(&command).stdin(input).run().ok();
        self
    }

    /// Somebody signs in to the cloud with a token of an hour.
    fn with_token(self, user: &str) -> Self {
        let token = self.domains.servers.cloud_token(user, 3600).unwrap();
        self.astro(&format!("login {CLOUD} -t -")).stdin(format!("{token}\n")).run().ok();
        self
    }

    /// The servers, which are this test's own, answer so from now on (`tests/servers/control.mjs`).
    fn faults(&self, faults: &[Value]) {
        self.domains.servers.set(&json!({"faults": faults})).unwrap();
    }

    /// No context was made.
    #[track_caller]
    fn nobody_is_signed_in(&self) {
        if self.home.credentials_file().exists() {
            let profiles = &self.home.credentials()["profiles"];
            assert_eq!(profiles, &json!({}));
        }
    }

    /// The stored context.
    fn context(&self, name: &str) -> Value {
        self.home.credentials()["profiles"][name].clone()
    }
}

/// Signs in to the cloud in a browser, which `visitor` uses.
fn in_browser(world: &World, args: &str, visitor: &Visitor) -> (Output, Visit) {
    let _port = RegisteredPort::hold().unwrap();
    let browser = Browser::of(visitor).unwrap();
    let output = world.astro(args).env("BROWSER", browser.program()).run();
    let visit = browser.visit().unwrap();
    (output, visit)
}
