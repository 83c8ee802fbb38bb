//! What a hostile answer may cost `astro` in memory.

#![cfg(target_os = "linux")]

use std::fs;
use std::thread;

use astropass_tests::ast::{Ast, Costly, Home, MOST, costly_answers};
use astropass_tests::proxy::Proxy;
use astropass_tests::server::{Endpoint, Fault, Options, PrivateCa, Server, Target, What};
use serde_json::{Value, json};

use super::RegisteredPort;

/// The API of the cloud and Houston: whatever has no path of its own at the embedded server.
const API: Target = Target::Endpoint(Endpoint::Unknown);

/// The embedded server under the names of the originals.
struct World {
    home: Home,
    server: Server,
    proxy: Proxy,
}

impl World {
    /// The API gives `good` answers, one after the other.
    fn new(good: &[Value]) -> Self {
        let names = ["api.astronomer.io", "auth.astronomer.io", "houston.software.example"];
        let authority = PrivateCa::generate_for(&names).unwrap();
        let home = Home::new();
        fs::write(home.path().join("ca.pem"), &authority.certificate).unwrap();
        let options = Options { tls: Some(authority.tls), ..Options::default() };
        let server = Server::start(options).unwrap();
        let address = server.address();
        let proxy = Proxy::start(move |_| Some(address)).unwrap();
        for (n, body) in (1..).zip(good) {
            server.fault(Fault::nth(API, n, answer(body)));
        }
        Self { home, server, proxy }
    }

    /// `astro` with little memory.
    fn astro(&self, args: &str) -> Ast {
        let astro = self.home.limited("astro", MOST).args(args.split_whitespace()).args(["--json"]);
        let astro = astro.env("SSL_CERT_FILE", self.home.path().join("ca.pem"));
        astro.env("HTTPS_PROXY", self.proxy.url())
    }
}

fn answer(body: &Value) -> What {
    let (content_type, body) = ("application/json".to_owned(), body.to_string().into_bytes());
    What::RawBody { status: 200, content_type, body }
}

/// Runs `command` in worlds where the `target` answers so, after `good` answers of the API.
fn each(target: Target, good: &[Value], command: impl Fn(&World, Costly) + Sync) {
    thread::scope(|scope| {
        for (kind, answer) in costly_answers() {
            let command = &command;
            scope.spawn(move || {
                let world = World::new(good);
                world.server.fault(Fault::every(target, answer));
                command(&world, kind);
            });
        }
    });
}

fn refused(kind: Costly) -> Option<String> {
    let code = if kind == Costly::Endless { "network" } else { "malformed_response" };
    Some(code.to_owned())
}

fn auth_config() -> Value {
    let login = "https://auth.astronomer.io/";
    json!({"clientId": "cli", "audience": "a", "domainUrl": login, "authFlow": "ORG_FIRST"})
}

/// What the API says before it is asked for workspaces.
fn good() -> [Value; 3] {
    let user = json!({"id": "user_1", "username": "ada@example.com", "organizationId": "org_1"});
    [auth_config(), user, json!({"id": "org_1", "name": "Analytical Engines"})]
}

const PASTED: &str = "access-of-somebody\n";

#[test]
fn a_hostile_auth_config_is_read_in_little_memory() {
    each(API, &[], |world, kind| {
        let output = world.astro("login --email ada@example.com").run();
        assert_eq!(output.error_code(), refused(kind), "{output:?}");
    });
}

#[test]
fn a_hostile_organization_lookup_is_read_in_little_memory() {
    each(API, &[auth_config()], |world, kind| {
        let _port = RegisteredPort::hold();
        let mut login = world.astro("login --email ada@example.com --login-link").start();
        login.prompt();
        login.interrupt();
        let output = login.finish();
        assert_eq!(output.code, Some(130), "{output:?}");
        // An object without ids knows of no organization.
        let warning = "The organization is not known yet";
        assert!(kind == Costly::Json || output.stderr.contains(warning), "{output:?}");
    });
}

#[test]
fn hostile_userinfo_of_astro_is_read_in_little_memory() {
    each(Endpoint::Userinfo.into(), &[auth_config()], |world, kind| {
        let output = world.astro("login -t -").stdin(PASTED).run();
        assert_eq!(output.error_code(), refused(kind), "{output:?}");
    });
}

/// Somebody signs in with a token, whose user, organization and workspaces are asked for then.
fn sign_in(world: &World) -> Option<String> {
    let user = json!({"sub": "user_1", "email": "ada@example.com"});
    world.server.fault(Fault::every(Endpoint::Userinfo, answer(&user)));
    let output = world.astro("login -t -").stdin(PASTED).run();
    let stored = world.home.credentials();
    assert!(!stored["profiles"]["astronomer.io"]["tokens"].is_null(), "{output:?}");
    output.error_code()
}

#[test]
fn hostile_answers_of_the_cloud_are_read_in_little_memory_and_the_session_is_kept() {
    let good = good();
    for before in 1..=good.len() {
        each(API, &good[..before], |world, kind| assert_eq!(sign_in(world), refused(kind)));
    }
}

#[test]
fn workspaces_without_end_are_read_in_little_memory() {
    let world = World::new(&good());
    let page = json!({
        "workspaces": [{"id": "ws_1", "name": "a".repeat(400_000)}],
        "totalCount": 1_000_000,
    });
    world.server.fault(Fault::every(API, answer(&page)));
    let _ = sign_in(&world);
}

#[test]
fn hostile_answers_of_houston_are_read_in_little_memory() {
    let methods = json!({"data": {"authConfig": {"localEnabled": true}}});
    let password = "ada\na password\n";
    let commands = [
        (&[][..], "login software.example", password),
        (&[methods][..], "login software.example", password),
        (&[][..], "login software.example -t -", PASTED),
    ];
    for (good, args, input) in commands {
        each(API, good, |world, kind| {
            let output = world.astro(args).stdin(input).run();
            assert_eq!(output.error_code(), refused(kind), "{args}: {output:?}");
        });
    }
}
