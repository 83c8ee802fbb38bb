//! Somebody at a terminal, and the server that `ast` signs in at.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{Ast, Home, Output, Running};
use crate::client::post;
use crate::server::{Approval, Endpoint, Event, Options, Server};

/// The client that [`World`]s sign in with.
pub const CLIENT: &str = "client_test";

/// A server, and somebody at a terminal.
pub struct World {
    /// Where `ast` keeps what it stores.
    pub home: Home,
    /// Where it signs in.
    pub server: Server,
}

/// A server whose clients need not wait between polls; `ast` does for a second all the same.
#[must_use]
pub fn eager() -> Options {
    Options { interval: Some(Duration::ZERO), ..Options::default() }
}

impl World {
    /// Nobody is signed in.
    pub fn new(options: Options) -> Self {
        Self { home: Home::new(), server: Server::start(options).expect("a server") }
    }

    /// Ada is signed in.
    pub fn signed_in() -> Self {
        Self::signed_in_at(eager())
    }

    /// Ada is signed in at a server with `options`.
    pub fn signed_in_at(options: Options) -> Self {
        let world = Self::new(options);
        world.sign_in("default");
        world
    }

    /// `ast` with the words of `args`.
    pub fn ast(&self, args: &str) -> Ast {
        self.home.ast(args)
    }

    /// `ast login` at this server.
    pub fn login(&self, args: &str) -> Ast {
        let url = self.server.url();
        self.ast(&format!("login --workos-url {url} --server {url} --client-id {CLIENT} {args}"))
    }

    /// Signs Ada in by `login`, which prints JSON.
    pub fn log_in(&self, login: Ast) -> Output {
        let mut login = login.args(["--json", "--no-browser"]).start();
        self.approve(&mut login);
        login.finish()
    }

    /// Says yes to the login that shows its code.
    pub fn approve(&self, login: &mut Running) {
        let prompt = login.prompt();
        let user_code = prompt["user_code"].as_str().expect("a prompt");
        self.server.approve(user_code, &Approval::default()).expect("a code of this server");
    }

    /// Leaves a profile as [`log_in`](Self::log_in) would, without a login's second of waiting:
    /// what one real login stored, with tokens of this server.
    pub fn sign_in(&self, profile: &str) {
        let (url, stored) = one_login();
        let mut stored: Value = stored.replace(url, self.server.url()).parse().expect("JSON");
        let grant = self.grant();
        let mut signed_in = stored["profiles"]["default"].take();
        signed_in["tokens"]["access_token"] = grant["access_token"].clone();
        signed_in["tokens"]["refresh_token"] = grant["refresh_token"].clone();
        let now =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs();
        signed_in["session"]["received_at"] = now.into();
        self.server.configure(|options| {
            signed_in["session"]["expires_in"] = options.access_token_ttl.as_secs().into();
        });
        if self.home.credentials_file().exists() {
            stored = self.home.credentials();
        } else {
            stored["profiles"] = json!({});
        }
        stored["profiles"][profile] = signed_in;
        self.home.set_credentials(&stored);
    }

    /// The device flow without `ast`.
    pub fn grant(&self) -> Value {
        let url = format!("{}/user_management", self.server.url());
        let start = post(&format!("{url}/authorize/device")).json(&json!({"client_id": CLIENT}));
        let device = start.send().expect("an answer").json();
        let user_code = device["user_code"].as_str().expect("a user code");
        // A server that approves by itself has done so.
        let _ = self.server.approve(user_code, &Approval::default());
        let poll = post(&format!("{url}/authenticate")).json(&json!({
            "client_id": CLIENT,
            "device_code": device["device_code"],
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        }));
        poll.send().expect("an answer").json()
    }

    /// What is stored of the default profile.
    pub fn profile(&self) -> Value {
        self.home.credentials()["profiles"]["default"].clone()
    }

    /// The requests to one endpoint: status and outcome.
    pub fn requests(&self, endpoint: Endpoint) -> Vec<(u16, String)> {
        let events = self.server.events().into_iter();
        let events = events.filter(|event| event.endpoint == endpoint);
        events.map(|Event { status, outcome, .. }| (status, outcome)).collect()
    }

    /// How often the server has rotated.
    pub fn refreshes(&self) -> u32 {
        self.server.stats().refreshes
    }
}

/// The server's URL and the `credentials.json` of one login by `ast`.
fn one_login() -> &'static (String, String) {
    static LOGIN: OnceLock<(String, String)> = OnceLock::new();
    LOGIN.get_or_init(|| {
        let world = World::new(eager());
        let login = world.login("");
        assert_eq!(world.log_in(login).code, Some(0));
        (world.server.url().to_owned(), world.home.credentials().to_string())
    })
}
