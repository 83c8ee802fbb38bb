//! What a hostile answer may cost `ast` in memory.

#![cfg(target_os = "linux")]

use std::thread;
use std::time::Duration;

use astropass_tests::ast::{Costly, MOST, MOST_FOR_API, costly_answers};
use astropass_tests::server::{Approval, Endpoint, Fault, Options, Overrides, Target};
use serde_json::Value;

use super::{CLIENT, World, eager};

/// A command that gets a costly answer, and what comes of it.
struct Command<'a> {
    targets: &'a [Target],
    args: &'a str,
    /// `{url}` in the arguments is the server's.
    most: u32,
    /// The code of its error, or that it has none.
    expected: fn(Costly) -> Option<&'static str>,
}

impl Command<'_> {
    /// Runs it with each of the answers in a world of its own, and looks at what is left there.
    fn run(&self, make: impl Fn(Costly) -> World + Sync, check: impl Fn(&World, Costly) + Sync) {
        thread::scope(|scope| {
            for (kind, answer) in costly_answers() {
                let (make, check) = (&make, &check);
                scope.spawn(move || {
                    let world = make(kind);
                    for target in self.targets {
                        world.server.fault(Fault::every(*target, answer.clone()));
                    }
                    let args = self.args.replace("{url}", world.server.url());
                    let output = world.home.limited("ast", self.most);
                    let output = output.args(args.split_whitespace()).args(["--json"]).run();
                    let expected = (self.expected)(kind).map(str::to_owned);
                    assert_eq!(output.error_code(), expected, "{kind:?}: {output:?}");
                    check(&world, kind);
                });
            }
        });
    }
}

/// The codes of answers that are read at once.
fn refused(kind: Costly) -> Option<&'static str> {
    Some(if kind == Costly::Endless { "network" } else { "malformed_response" })
}

fn signed_in(_: Costly) -> World {
    World::signed_in()
}

/// Somebody whose token has to be refreshed.
fn stale(_: Costly) -> World {
    let world = World::signed_in();
    world.home.age("default", 301);
    world
}

/// The session is as it was.
fn is_kept(world: &World, _: Costly) {
    let profile = world.profile();
    assert!(profile["session"]["client_id"] == CLIENT && !profile["tokens"].is_null(), "{profile}");
    world.server.clear_faults();
    world.ast("token").printing_a_token().run().ok();
}

const WORKOS: &str = "login --no-browser --workos-url {url} --server {url} --client-id client_test";

#[test]
fn hostile_answers_to_a_login_are_read_in_little_memory() {
    let targets = [Endpoint::DeviceAuthorization.into()];
    let login = Command { targets: &targets, args: WORKOS, most: MOST, expected: refused };
    login.run(signed_in, is_kept);
}

#[test]
fn hostile_metadata_are_read_in_little_memory() {
    let targets = [Endpoint::OauthMetadata, Endpoint::OpenidConfiguration].map(Into::into);
    let args = "login --no-browser --issuer {url}/tenant --client-id client_test";
    let login = Command { targets: &targets, args, most: MOST, expected: refused };
    let world = |_| World::signed_in_at(Options { issuer_path: "/tenant".to_owned(), ..eager() });
    login.run(world, is_kept);
}

#[test]
fn hostile_answers_to_polls_are_read_in_little_memory() {
    // What is no answer of the token endpoint is asked for again, until the login has expired.
    fn expected(kind: Costly) -> Option<&'static str> {
        Some(if kind == Costly::Json { "malformed_response" } else { "login_expired" })
    }
    let login = Command { targets: &[Target::Poll], args: WORKOS, most: MOST, expected };
    let signed_in = |kind| {
        let world = World::signed_in();
        if kind != Costly::Json {
            // Only from now on: whoever is signed in already took his time.
            world.server.configure(|options| options.device_code_ttl = Duration::from_secs(3));
        }
        world
    };
    login.run(signed_in, is_kept);
}

#[test]
fn hostile_userinfo_is_read_in_little_memory_and_no_reason_to_fail() {
    let targets = [Endpoint::Userinfo.into()];
    let args = "login --no-browser --issuer {url} --client-id client_test";
    let login = Command { targets: &targets, args, most: MOST, expected: |_| None };
    let options = || {
        let mut id_token = Overrides::default();
        id_token.insert("email".to_owned(), Value::Null);
        Options { auto_approve: Some(Approval::default()), id_token, ..eager() }
    };
    login.run(
        |_| World::new(options()),
        |world, _| {
            assert!(world.requests(Endpoint::Userinfo).len() == 1, "it was not asked");
            assert!(!world.profile()["tokens"].is_null());
        },
    );
}

#[test]
fn hostile_answers_to_a_refresh_are_read_in_little_memory() {
    let refresh =
        Command { targets: &[Target::Refresh], args: "token", most: MOST, expected: refused };
    refresh.run(stale, is_kept);
}

#[test]
fn hostile_answers_to_a_logout_are_read_in_little_memory() {
    let targets = [Endpoint::Logout.into()];
    let logout = Command { targets: &targets, args: "logout", most: MOST, expected: |_| None };
    logout.run(signed_in, |world, _| assert!(world.profile()["tokens"].is_null()));
}

#[test]
fn hostile_lists_of_accounts_are_read_in_little_memory() {
    let targets = [Endpoint::Me.into()];
    let args = "account list";
    let list = Command { targets: &targets, args, most: MOST_FOR_API, expected: refused };
    list.run(signed_in, is_kept);
}

#[test]
fn hostile_answers_of_the_api_are_read_in_bounded_memory() {
    fn expected(kind: Costly) -> Option<&'static str> {
        (kind == Costly::Endless).then_some("network")
    }
    let targets = [Endpoint::Projects.into()];
    let api =
        Command { targets: &targets, args: "api /api/v1/projects", most: MOST_FOR_API, expected };
    api.run(signed_in, is_kept);
}
