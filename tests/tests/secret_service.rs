//! The keyring adapter against a real Secret Service (gnome-keyring) on a bus of its own, in each
//! state that such a service can be in, and against scripted ones for what gnome-keyring never does.
//!
//! A test runs itself again as a child process, in an environment with a temporary home and its own
//! session bus. Nothing outside that home is touched.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

#[path = "secret_service/fake.rs"]
mod fake;

use std::os::unix::net::UnixListener;

use astropass::{Items, Keyring, KeyringPrompt as Prompt};
use astropass_core::StoreError;
use astropass_tests::sandbox::{self, Bus, Daemon, inside, inside_with, lock, run};
use dbus::MessageType;

use fake::{Fake, Manners};

const NAME: &str = "default/3f9c2a/0";

fn unattended() -> Keyring {
    Keyring::new("astropass", Prompt::Never)
}

fn attended() -> Keyring {
    Keyring::new("astropass", Prompt::Allowed)
}

#[track_caller]
fn assert_read(keyring: &Keyring, name: &str, expected: Option<&[u8]>) {
    let secret = keyring.read(name).unwrap();
    assert!(secret.as_ref().map(|secret| secret.as_slice()) == expected, "another secret was read");
}

#[track_caller]
fn assert_locked<T>(result: Result<T, StoreError>, why: &str) {
    match result.map(drop) {
        Err(StoreError::Locked(text)) => assert!(text.contains(why), "{text}"),
        other => panic!("not locked but {other:?}"),
    }
}

/// Every operation says that there is no keyring.
#[track_caller]
fn assert_absent(keyring: &Keyring, why: &str) {
    let results =
        [keyring.read(NAME).map(drop), keyring.write(NAME, b"secret"), keyring.delete(NAME)];
    for result in results {
        match result {
            Err(StoreError::Absent(text)) => assert!(text.contains(why), "{text}"),
            other => panic!("not absent but {other:?}"),
        }
    }
}

#[test]
fn unlocked() {
    inside("unlocked", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let keyring = unattended();
        assert_read(&keyring, NAME, None);

        keyring.write(NAME, b"one").unwrap();
        assert_read(&keyring, NAME, Some(b"one"));
        keyring.write(NAME, b"two").unwrap();
        assert_read(&keyring, NAME, Some(b"two"));
        assert_read(&keyring, "default/3f9c2a/1", None);
        assert_read(&Keyring::new("another", Prompt::Never), NAME, None);

        let every_byte: Vec<u8> = (0..=255).collect();
        keyring.write(NAME, &every_byte).unwrap();
        assert_read(&keyring, NAME, Some(&every_byte));
        keyring.write(NAME, b"").unwrap();
        assert_read(&keyring, NAME, Some(b""));
        let eight_kib = every_byte.repeat(32);
        keyring.write(NAME, &eight_kib).unwrap();
        assert_read(&keyring, NAME, Some(&eight_kib));

        keyring.write("work/77/0", b"other").unwrap();
        keyring.delete(NAME).unwrap();
        assert_read(&keyring, NAME, None);
        assert_read(&keyring, "work/77/0", Some(b"other"));
        keyring.delete(NAME).unwrap();
    });
}

/// A look neither asks nor unlocks, not even where nobody would have to be asked.
#[test]
fn looked_at() {
    inside("looked_at", Bus::Empty, || {
        let fake = Fake::start(Manners::UnlocksWithoutPrompt);
        assert_locked(Keyring::check(), "its password is needed");
        assert_locked(Keyring::check(), "its password is needed");
        assert_eq!(fake.prompts(), 0);
    });
}

#[test]
fn other_tools_find_an_item_and_its_label() {
    inside("other_tools_find_an_item_and_its_label", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        unattended().write(NAME, b"shown").unwrap();
        let attributes = ["service", "astropass", "username", NAME];
        assert_eq!(run("secret-tool", &[&["lookup"][..], &attributes].concat()), "shown");
        let found = run("secret-tool", &[&["search", "--all"][..], &attributes].concat());
        assert!(found.contains("label = astropass: default\n"), "{found}");
        assert_eq!(found.matches("secret = ").count(), 1, "{found}");

        run("secret-tool", &[&["clear"][..], &attributes].concat());
        assert_read(&unattended(), NAME, None);
    });
}

#[test]
fn many_at_once() {
    inside("many_at_once", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        std::thread::scope(|scope| {
            for number in 0..16 {
                scope.spawn(move || {
                    let name = format!("default/{number}/0");
                    let secret = [number; 2000];
                    // Nothing is asked, and however slow the machine is, there is time.
                    attended().write(&name, &secret).unwrap();
                    assert_read(&attended(), &name, Some(&secret));
                });
            }
        });
    });
}

#[test]
fn locked_and_nobody_to_ask() {
    inside("locked_and_nobody_to_ask", Bus::Empty, || {
        let daemon = Daemon::unlocked();
        let keyring = unattended();
        keyring.write(NAME, b"kept").unwrap();
        lock();

        let why = "may not ask";
        assert_locked(keyring.read(NAME), why);
        assert_locked(keyring.write(NAME, b"lost"), why);
        assert_locked(keyring.delete(NAME), why);
        assert_locked(keyring.read("default/unknown/0"), why);
        assert_locked(keyring.write("default/unknown/0", b"lost"), why);

        drop(daemon);
        let _daemon = Daemon::unlocked();
        assert_read(&keyring, NAME, Some(b"kept"));
        assert_read(&keyring, "default/unknown/0", None);
    });
}

/// Without a display gnome-keyring's prompt ends by itself, as if dismissed.
#[test]
fn locked_and_dismissed() {
    inside("locked_and_dismissed", Bus::Empty, || {
        let daemon = Daemon::unlocked();
        unattended().write(NAME, b"kept").unwrap();
        lock();

        let why = "dismissed";
        assert_locked(attended().read(NAME), why);
        assert_locked(attended().write(NAME, b"lost"), why);
        assert_locked(attended().delete(NAME), why);

        drop(daemon);
        let _daemon = Daemon::unlocked();
        assert_read(&attended(), NAME, Some(b"kept"));
    });
}

#[test]
fn never_set_up() {
    inside("never_set_up", Bus::Empty, || {
        let _daemon = Daemon::without_a_keyring();
        assert_absent(&unattended(), "no default keyring");
        assert_absent(&attended(), "no default keyring");
    });
}

#[test]
fn no_service_on_the_bus() {
    inside("no_service_on_the_bus", Bus::Empty, || {
        assert_absent(&unattended(), "no program offers");
        assert_absent(&attended(), "no program offers");
    });
}

#[test]
fn no_bus() {
    inside("no_bus", Bus::None, || assert_absent(&attended(), "no session bus"));
}

/// libdbus would run `dbus-launch` here.
#[test]
fn no_bus_is_launched() {
    let env = [("DBUS_SESSION_BUS_ADDRESS", "autolaunch:"), ("DISPLAY", ":0")];
    inside_with("no_bus_is_launched", Bus::None, &env, || {
        assert_absent(&attended(), "no session bus");
    });
}

#[test]
fn no_bus_at_its_address() {
    let env = [("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")];
    inside_with("no_bus_at_its_address", Bus::None, &env, || {
        assert_absent(&attended(), "no session bus listens");
    });
}

#[test]
fn dead_socket() {
    inside("dead_socket", Bus::None, || {
        drop(UnixListener::bind(sandbox::runtime_dir().join("bus")).unwrap());
        assert_absent(&attended(), "no session bus listens");
    });
}

#[test]
fn bus_without_an_address() {
    let env = [("DBUS_SESSION_BUS_ADDRESS", "")];
    inside_with("bus_without_an_address", Bus::Empty, &env, || {
        let _daemon = Daemon::unlocked();
        unattended().write(NAME, b"found").unwrap();
        assert_read(&unattended(), NAME, Some(b"found"));
    });
}

/// A plain session must not cross a network.
#[test]
fn bus_on_the_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = format!("tcp:host=127.0.0.1,port={port}");
    let env = [("DBUS_SESSION_BUS_ADDRESS", address.as_str())];
    inside_with("bus_on_the_network", Bus::None, &env, || {
        let refused = unattended().write(NAME, b"secret");
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    });
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "the bus was connected to");
}

#[test]
fn bus_that_never_answers() {
    inside("bus_that_never_answers", Bus::None, || {
        let _bus = UnixListener::bind(sandbox::runtime_dir().join("bus")).unwrap();
        assert_gives_up(unattended().read(NAME).map(drop));
    });
}

#[test]
fn service_that_never_answers() {
    inside("service_that_never_answers", Bus::Empty, || {
        let _fake = Fake::start(Manners::Silent);
        assert_gives_up(unattended().read(NAME).map(drop));
    });
}

/// gnome-keyring may crash on any other call from a client that it does not know yet, and it knows
/// one only after its first call. The crash takes a race, which no test brings about at will.
#[test]
fn one_harmless_call_until_the_service_answers() {
    inside("one_harmless_call_until_the_service_answers", Bus::Empty, || {
        let service = sandbox::on_the_bus();
        sandbox::ask_bus(&service, "RequestName", (sandbox::NAME, 0u32)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| assert_gives_up(unattended().read(NAME).map(drop)));
            scope.spawn(|| assert_gives_up(unattended().write(NAME, b"secret")));
            scope.spawn(|| assert_gives_up(unattended().delete(NAME)));
        });
        // The reply comes after whatever the bus had for the service until now.
        sandbox::ask_bus(&service, "GetId", ()).unwrap();
        let calls: Vec<_> = std::iter::from_fn(|| service.pop_message())
            .filter(|message| message.msg_type() == MessageType::MethodCall)
            .map(|call| (call.member().unwrap().to_string(), call.read1::<String>().unwrap()))
            .collect();
        assert_eq!(calls, vec![("ReadAlias".to_owned(), String::new()); 3]);
    });
}

/// An unattended call gives up.
#[track_caller]
fn assert_gives_up(result: Result<(), StoreError>) {
    match result {
        Err(StoreError::Unavailable(text)) => assert!(text.contains("in time"), "{text}"),
        other => panic!("not unavailable but {other:?}"),
    }
}

/// As gnome-keyring does once its prompt is answered.
#[test]
fn locked_and_answered() {
    inside("locked_and_answered", Bus::Empty, || {
        let fake = Fake::start(Manners::ShowsLockedItems);
        assert_locked(unattended().read(NAME), "may not ask");
        assert_eq!(fake.prompts(), 0);
        assert_read(&attended(), NAME, Some(fake::SECRET));
        assert_eq!(fake.prompts(), 1);
        assert_read(&unattended(), NAME, Some(fake::SECRET));
    });
}

/// As KeePassXC does: to a search, a locked collection has no items.
#[test]
fn locked_and_hidden() {
    inside("locked_and_hidden", Bus::Empty, || {
        let fake = Fake::start(Manners::HidesLockedItems);
        assert_locked(unattended().read(NAME), "may not ask");
        assert_locked(unattended().delete(NAME), "may not ask");
        assert_eq!(fake.prompts(), 0);
        assert_read(&attended(), NAME, Some(fake::SECRET));
        assert_eq!(fake.prompts(), 1);
    });
}

/// A service that has nothing to ask unlocks for an unattended run as well.
#[test]
fn locked_without_a_password() {
    inside("locked_without_a_password", Bus::Empty, || {
        let fake = Fake::start(Manners::UnlocksWithoutPrompt);
        assert_read(&unattended(), NAME, Some(fake::SECRET));
        assert_eq!(fake.prompts(), 0);
    });
}

/// Some services want each deletion confirmed.
#[test]
fn deletion_to_be_confirmed() {
    inside("deletion_to_be_confirmed", Bus::Empty, || {
        let fake = Fake::start(Manners::ConfirmsDeletion);
        assert_locked(unattended().delete(NAME), "may not ask");
        assert_read(&unattended(), NAME, Some(fake::SECRET));
        attended().delete(NAME).unwrap();
        assert_read(&unattended(), NAME, None);
        assert_eq!(fake.prompts(), 1);
    });
}
