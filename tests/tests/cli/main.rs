//! The real `ast` against the embedded authorization server.

#![cfg(test)]
#![cfg(unix)]
#![allow(missing_docs)]

mod account;
mod api;
mod browser;
mod clocks;
mod device_faults;
mod doctor;
mod example;
mod gate;
mod interrupt;
mod login;
mod login_ends;
mod logout;
mod neighbours;
mod processes;
mod profile;
mod refresh;
mod settings;
mod settings_login;
mod shell;
mod standard;
mod store;
mod terminal;
mod token;
mod whoami;

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use astropass_tests::ast::{Ast, Home, Output, Running};
use astropass_tests::client::post;
use astropass_tests::server::{Approval, Endpoint, Event, Options, Server};
use serde_json::{Value, json};

const CLIENT: &str = "client_test";
const NOT_LOGGED_IN: &str = "not logged in. Run 'ast login' to authenticate";
const SESSION_OVER: &str = "session expired or invalid. Run 'ast login' to re-authenticate";

/// A server, and somebody at a terminal.
struct World {
    home: Home,
    server: Server,
}

/// A server whose clients need not wait between polls; `ast` does for a second all the same.
fn eager() -> Options {
    Options { interval: Some(Duration::ZERO), ..Options::default() }
}

impl World {
    /// Nobody is signed in.
    fn new(options: Options) -> Self {
        Self { home: Home::new(), server: Server::start(options).unwrap() }
    }

    /// Ada is signed in.
    fn signed_in() -> Self {
        Self::signed_in_at(eager())
    }

    fn signed_in_at(options: Options) -> Self {
        let world = Self::new(options);
        world.sign_in("default");
        world
    }

    fn ast(&self, args: &str) -> Ast {
        self.home.ast(args)
    }

    /// `ast login` at this server.
    fn login(&self, args: &str) -> Ast {
        let url = self.server.url();
        self.ast(&format!("login --workos-url {url} --server {url} --client-id {CLIENT} {args}"))
    }

    /// Signs Ada in by `login`, which prints JSON.
    fn log_in(&self, login: Ast) -> Output {
        let mut login = login.args(["--json", "--no-browser"]).start();
        self.approve(&mut login);
        login.finish()
    }

    fn approve(&self, login: &mut Running) {
        let prompt = login.prompt();
        let user_code = prompt["user_code"].as_str().expect("a prompt");
        self.server.approve(user_code, &Approval::default()).unwrap();
    }

    /// Leaves a profile as [`log_in`](Self::log_in) would, without a login's second of waiting:
    /// what one real login stored, with tokens of this server.
    fn sign_in(&self, profile: &str) {
        let (url, stored) = one_login();
        let mut stored: Value = stored.replace(url, self.server.url()).parse().unwrap();
        let grant = self.grant();
        let mut signed_in = stored["profiles"]["default"].take();
        signed_in["tokens"]["access_token"] = grant["access_token"].clone();
        signed_in["tokens"]["refresh_token"] = grant["refresh_token"].clone();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        signed_in["session"]["received_at"] = now.into();
        if self.home.credentials_file().exists() {
            stored = self.home.credentials();
        } else {
            stored["profiles"] = json!({});
        }
        stored["profiles"][profile] = signed_in;
        self.home.set_credentials(&stored);
    }

    /// The device flow without `ast`.
    fn grant(&self) -> Value {
        let url = format!("{}/user_management", self.server.url());
        let start = post(&format!("{url}/authorize/device")).json(&json!({"client_id": CLIENT}));
        let device = start.send().unwrap().json();
        let user_code = device["user_code"].as_str().unwrap();
        self.server.approve(user_code, &Approval::default()).unwrap();
        let poll = post(&format!("{url}/authenticate")).json(&json!({
            "client_id": CLIENT,
            "device_code": device["device_code"],
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        }));
        poll.send().unwrap().json()
    }

    /// What is stored of the default profile.
    fn profile(&self) -> Value {
        self.home.credentials()["profiles"]["default"].clone()
    }

    /// The requests to one endpoint: status and outcome.
    fn requests(&self, endpoint: Endpoint) -> Vec<(u16, String)> {
        let events = self.server.events().into_iter();
        let events = events.filter(|event| event.endpoint == endpoint);
        events.map(|Event { status, outcome, .. }| (status, outcome)).collect()
    }

    fn refreshes(&self) -> u32 {
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

/// The names of an object's fields, in their order.
fn names(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// A time as RFC 3339 in UTC.
fn rfc3339(unix: i64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(unix.unsigned_abs());
    // Sun, 06 Nov 1994 08:49:37 GMT
    let date = httpdate::fmt_http_date(time);
    let [day, month, year, clock] = [5..7, 8..11, 12..16, 17..25].map(|at| &date[at]);
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = months.find(month).unwrap() / 3 + 1;
    format!("{year}-{month:02}-{day}T{clock}Z")
}
