//! What `ast doctor` says of the keyring, in each state that it can be in.

use std::os::unix::net::UnixListener;

use astropass_tests::ast::Report;
use astropass_tests::sandbox::{self, Bus, Daemon, inside, lock};
use serde_json::Value;

use super::{Desk, items};

impl Desk {
    /// The checks `keyring`, `store` and `session`, after the exit code that is expected.
    fn doctor(&self, code: i32) -> [Value; 3] {
        let doctor = self.ast("doctor").env("ASTRO_ISSUER", self.server.url());
        let report = Report::of(doctor, code);
        ["keyring", "store", "session"].map(|name| report.check(name).clone())
    }
}

#[test]
fn unlocked_then_locked_then_gone() {
    inside("keyring::doctor::unlocked_then_locked_then_gone", Bus::Empty, || {
        let daemon = Daemon::unlocked();
        let desk = Desk::new();
        let [keyring, store, _] = desk.doctor(0);
        assert_eq!(keyring["state"], "unlocked");
        assert!(store["message"].as_str().unwrap().contains("a login would use the keyring"));
        assert!(items().is_empty(), "nothing is written");

        desk.login("").run().ok();
        let before = items();
        let [keyring, store, session] = desk.doctor(0);
        assert_eq!(keyring["message"], "Secret Service, unlocked");
        assert_eq!([&store["store"], &store["choice"]], ["keyring", "auto"]);
        assert_eq!(
            [&session["status"], &session["can_refresh"]],
            [&"ok".into(), &Value::Bool(true)]
        );

        lock();
        let [keyring, _, session] = desk.doctor(7);
        assert_eq!([&keyring["status"], &keyring["state"]], ["failure", "locked"]);
        assert!(keyring["next"].as_str().unwrap().starts_with("Unlock the keyring"), "{keyring}");
        assert_eq!(session["status"], "warning", "{session}");

        drop(daemon);
        let [keyring, ..] = desk.doctor(7);
        assert_eq!([&keyring["status"], &keyring["state"]], ["failure", "absent"]);

        let _daemon = Daemon::unlocked();
        assert_eq!(items(), before, "nothing is changed");
        // Where the tokens are in a file, no keyring is missed.
        let desk = Desk::new();
        desk.login("--store file").run().ok();
        lock();
        let [keyring, store, session] = desk.doctor(0);
        assert_eq!([&keyring["status"], &keyring["state"]], ["ok", "locked"]);
        assert_eq!([&store["store"], &session["status"]], ["file", "ok"]);
    });
}

/// A bus that takes the connection and says nothing.
#[test]
fn silent_bus() {
    inside("keyring::doctor::silent_bus", Bus::None, || {
        let _bus = UnixListener::bind(sandbox::runtime_dir().join("bus")).unwrap();
        does_not_answer(&Desk::new());
    });
}

/// A service that owns the name and never answers.
#[test]
fn silent_service() {
    inside("keyring::doctor::silent_service", Bus::Empty, || {
        let service = sandbox::on_the_bus();
        sandbox::ask_bus(&service, "RequestName", (sandbox::NAME, 0u32)).unwrap();
        does_not_answer(&Desk::new());
    });
}

/// Nothing is known of it, and nothing else is kept waiting.
fn does_not_answer(desk: &Desk) {
    let [keyring, store, session] = desk.doctor(7);
    assert_eq!([&keyring["status"], &keyring["state"]], ["failure", "unavailable"]);
    assert!(keyring["next"].as_str().unwrap().starts_with("Start the keyring"), "{keyring}");
    assert_eq!([&store["status"], &store["next"]], ["warning", "See Keyring above."]);
    assert!(store["message"].as_str().unwrap().contains("a login would fail"), "{store}");
    assert_eq!(session["signed_in"], false);
}

/// The socket of a bus that has died: no keyring, as where there never was one.
#[test]
fn dead_bus() {
    inside("keyring::doctor::dead_bus", Bus::None, || {
        drop(UnixListener::bind(sandbox::runtime_dir().join("bus")).unwrap());
        let desk = Desk::new();
        let [keyring, store, _] = desk.doctor(0);
        assert_eq!([&keyring["status"], &keyring["state"]], ["warning", "absent"]);
        assert!(keyring["message"].as_str().unwrap().contains("no session bus listens"));
        let file = "a login would use credentials.json: auto finds no keyring";
        assert_eq!([&store["status"], &store["message"]], ["ok", file]);
    });
}
