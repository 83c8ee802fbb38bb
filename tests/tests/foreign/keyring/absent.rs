//! No keyring, or none that answers.

use std::os::unix::net::UnixListener;

use astropass_tests::sandbox::{self, Bus, Daemon, inside};
use astropass_tests::server::CANARY;

use super::{Desk, items};
use crate::{error, signed_in};

#[test]
fn nothing_on_the_bus() {
    inside("keyring::absent::nothing_on_the_bus", Bus::Empty, falls_back);
}

#[test]
fn no_bus() {
    inside("keyring::absent::no_bus", Bus::None, falls_back);
}

/// Where nobody has set up a keyring, which a service alone is not.
#[test]
fn never_set_up() {
    inside("keyring::absent::never_set_up", Bus::Empty, || {
        let _daemon = Daemon::without_a_keyring();
        falls_back();
    });
}

/// Without a keyring there is the file, unless a keyring was asked for.
fn falls_back() {
    let desk = Desk::new();
    let output = desk.login("--store keyring").run();
    let (code, message) = error(&output, 7);
    assert_eq!(code, "store_absent");
    assert!(message.contains("ast login --store file"), "{message}");
    assert!(desk.server.events().is_empty(), "no code was asked for");

    let output = desk.login("--store auto").run();
    assert_eq!(signed_in(&output)["store"], "file");
    let notice = "so the tokens are in a file that only you can read.";
    assert!(output.stderr.contains("! No keyring was found ("), "{output}");
    assert_eq!(output.stderr.matches(notice).count(), 1, "{output}");
    assert!(desk.profile()["tokens"].to_string().contains(CANARY));
    desk.home.age("default", 301);
    let refreshed = desk.token();
    refreshed.ok();
    assert_eq!(refreshed.stderr, "", "it is said once, at the login");
}

/// The socket of a bus that has died.
#[test]
fn dead_bus() {
    inside("keyring::absent::dead_bus", Bus::None, || {
        drop(UnixListener::bind(sandbox::runtime_dir().join("bus")).unwrap());
        falls_back();
    });
}

/// A bus that takes the connection and says nothing is not a bus that is not there.
#[test]
fn silent_bus() {
    inside("keyring::absent::silent_bus", Bus::None, || {
        let _bus = UnixListener::bind(sandbox::runtime_dir().join("bus")).unwrap();
        does_not_answer();
    });
}

/// Neither is a service that owns the name and never answers.
#[test]
fn silent_service() {
    inside("keyring::absent::silent_service", Bus::Empty, || {
        let service = sandbox::on_the_bus();
        sandbox::ask_bus(&service, "RequestName", (sandbox::NAME, 0u32)).unwrap();
        does_not_answer();
    });
}

fn does_not_answer() {
    let desk = Desk::new();
    for store in ["--store keyring", "--store auto"] {
        let (code, message) = error(&desk.login(store).run(), 7);
        assert_eq!(code, "store_unavailable", "{message}");
        assert!(message.contains("ast login --store file"), "{message}");
    }
    assert!(desk.server.events().is_empty(), "no code was asked for");
}

/// The keyring that a session is in has gone, as in a shell without the desktop's bus.
#[test]
fn gone() {
    inside("keyring::absent::gone", Bus::Empty, || {
        let daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        let before = desk.home.credentials();
        drop(daemon);
        let (code, _) = error(&desk.token(), 7);
        assert_eq!(code, "store_absent");
        assert!(desk.home.credentials() == before, "nothing is deleted");
        // Only a login that is told so goes elsewhere, and what it cannot delete is listed.
        assert_eq!(signed_in(&desk.login("--store file").run())["store"], "file");
        assert_eq!(
            desk.home.credentials()["sweep"][0]["revision"],
            before["profiles"]["default"]["revision"]
        );

        let _daemon = Daemon::unlocked();
        desk.home.age("default", 301);
        desk.token().ok();
        assert_eq!(items(), Vec::<String>::new(), "the refresh deletes it");
    });
}
