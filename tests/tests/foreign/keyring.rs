//! `ast` with a real Secret Service (gnome-keyring) on a bus of its own, in each state that it can
//! be in.

mod absent;
mod doctor;
mod locked;
mod lost;
mod stored;

use std::env;
use std::time::Duration;

use astropass_tests::ast::{Ast, Home, Output};
use astropass_tests::sandbox::{self, items};
use astropass_tests::server::{Approval, Options, Server};
use serde_json::Value;

use crate::signed_in;

/// A server that approves at once, and a home whose `ast` sees the bus of this test.
struct Desk {
    server: Server,
    home: Home,
}

impl Desk {
    fn new() -> Self {
        let options = Options {
            auto_approve: Some(Approval::default()),
            interval: Some(Duration::from_secs(1)),
            ..Options::default()
        };
        Self { server: Server::start(options).unwrap(), home: Home::new() }
    }

    /// One that is signed in, its tokens in the keyring.
    fn signed_in() -> Self {
        let desk = Self::new();
        let event = signed_in(&desk.login("").run());
        assert_eq!(event["store"], "keyring");
        desk
    }

    fn ast(&self, args: &str) -> Ast {
        self.home.ast(args).env("DBUS_SESSION_BUS_ADDRESS", env::var(sandbox::BUS).unwrap())
    }

    fn login(&self, options: &str) -> Ast {
        self.ast("login --json --no-browser --client-id client_test")
            .args(["--workos-url", self.server.url(), "--server", self.server.url()])
            .args(options.split_whitespace())
    }

    fn token(&self) -> Output {
        self.ast("token --json").printing_a_token().run()
    }

    /// What `credentials.json` says of the profile.
    fn profile(&self) -> Value {
        self.home.credentials()["profiles"]["default"].clone()
    }
}

/// The items of the profile's present session.
fn current_items(desk: &Desk) -> Vec<String> {
    let profile = desk.profile();
    let revision = profile["revision"].as_str().unwrap();
    (0..profile["items"].as_u64().unwrap()).map(|n| format!("default/{revision}/{n}")).collect()
}
