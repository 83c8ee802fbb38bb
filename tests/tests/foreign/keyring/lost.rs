//! A session whose keyring cannot be reached any more, as in a shell without the desktop's bus, or
//! beside a keyring that hangs: each command ends by saying so, and nothing is lost.

use std::cell::Cell;
use std::os::unix::net::UnixListener;

use astropass_tests::ast::Ast;
use astropass_tests::sandbox::{self, Bus, Daemon, inside};

use super::{Desk, current_items, items};
use crate::error;

/// A service that owns the name and never answers.
#[test]
fn silent_service() {
    inside("keyring::lost::silent_service", Bus::Empty, || {
        let daemon = Cell::new(Some(Daemon::unlocked()));
        let desk = Desk::signed_in();
        let while_silent = |work: &dyn Fn()| {
            drop(daemon.take());
            let service = sandbox::on_the_bus();
            sandbox::ask_bus(&service, "RequestName", (sandbox::NAME, 0u32)).unwrap();
            work();
            drop(service);
            daemon.set(Some(Daemon::unlocked()));
        };
        survives(&desk, while_silent, |args| desk.ast(args), "store_unavailable");
    });
}

/// A session in the keyring of the test's bus, while commands see another one at `bus`.
fn at_another_bus(test: &str, bus: impl FnOnce(&str), code: &str) {
    inside(&format!("keyring::lost::{test}"), Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        let socket = sandbox::runtime_dir().join("other");
        bus(socket.to_str().unwrap());
        let address = format!("unix:path={}", socket.display()).replace(' ', "%20");
        let ast = |args: &str| desk.ast(args).env("DBUS_SESSION_BUS_ADDRESS", &address);
        survives(&desk, |work| work(), ast, code);
    });
}

/// One that takes the connection and says nothing.
#[test]
fn silent_bus() {
    let listen = |path: &str| std::mem::forget(UnixListener::bind(path).unwrap());
    at_another_bus("silent_bus", listen, "store_unavailable");
}

/// The socket of one that has died.
#[test]
fn dead_bus() {
    at_another_bus("dead_bus", |path| drop(UnixListener::bind(path).unwrap()), "store_absent");
}

#[test]
fn no_bus() {
    inside("keyring::lost::no_bus", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        survives(&desk, |work| work(), |args| desk.home.ast(args), "store_absent");
    });
}

/// What `ast` says of the session during the fault, and what is there after it.
fn survives(desk: &Desk, during: impl Fn(&dyn Fn()), ast: impl Fn(&str) -> Ast, expected: &str) {
    let (before, events) = (desk.home.credentials(), desk.server.events().len());
    let refused = |commands: &[&str]| {
        let commands = commands.iter().map(|command| ast(command).args(["--json"]).start());
        for command in commands.collect::<Vec<_>>() {
            let output = command.finish();
            let (code, message) = error(&output, 7);
            assert_eq!(code, expected, "{output}");
            let next = "Start the keyring, or sign in with 'ast login --store file'.";
            assert!(message.ends_with(next), "{message}");
        }
    };
    during(&|| {
        refused(&["token", "whoami", "account list", "api /api/v1/me"]);
        // Nothing is refreshed that could not be kept.
        desk.home.age("default", 400);
        refused(&["token"]);
        desk.home.age("default", -400);
    });
    assert_eq!(desk.server.events().len(), events, "the server was asked for nothing");
    assert!(desk.home.credentials() == before, "nothing is changed");
    assert_eq!(items(), current_items(desk));
    desk.token().ok();

    let left = current_items(desk);
    during(&|| {
        let output = ast("logout --json").run();
        let (code, message) = error(&output, 7);
        assert_eq!(code, "left_to_sweep", "{output}");
        assert!(message.contains("run 'ast logout' again"), "{message}");
        assert_eq!(error(&ast("token --json").run(), 4).0, "not_signed_in");
    });
    assert_eq!(items(), left);
    desk.ast("logout").run().ok();
    assert!(items().is_empty(), "the next logout deletes what was left");
}
