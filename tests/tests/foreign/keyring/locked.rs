//! A keyring that is locked, and nobody there to unlock it.

use astropass_tests::sandbox::{Bus, Daemon, inside, lock};

use super::{Desk, current_items, items};
use crate::{error, signed_in};

#[test]
fn until_it_is_unlocked() {
    inside("keyring::locked::until_it_is_unlocked", Bus::Empty, || {
        let daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        let before = desk.home.credentials();
        lock();
        for command in ["token --json", "whoami --json", "api /api/v1/me --json"] {
            let (code, message) = error(&desk.ast(command).run(), 7);
            assert_eq!(code, "store_locked");
            assert!(message.contains("Unlock the keyring"), "{message}");
        }
        // Nothing is refreshed that could not be kept.
        desk.home.age("default", 400);
        assert_eq!(error(&desk.token(), 7).0, "store_locked");
        desk.home.age("default", -400);
        assert_eq!(desk.server.stats().refreshes, 0);
        assert!(desk.home.credentials() == before, "nothing is deleted");

        drop(daemon);
        let _daemon = Daemon::unlocked();
        assert_eq!(items(), current_items(&desk));
        desk.token().ok();
    });
}

/// Without a display gnome-keyring's prompt ends by itself, as if dismissed.
#[test]
fn prompt_dismissed() {
    inside("keyring::locked::prompt_dismissed", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        lock();
        let output = desk.ast("whoami").start_on_terminal().finish();
        assert_eq!(output.code, Some(7), "{output}");
        assert!(output.stdout.contains("its prompt was dismissed"), "{output}");
    });
}

#[test]
fn login() {
    inside("keyring::locked::login", Bus::Empty, || {
        let daemon = Daemon::unlocked();
        let desk = Desk::new();
        lock();
        for store in ["", "--store auto", "--store keyring"] {
            let output = desk.login(store).run();
            let (code, message) = error(&output, 7);
            assert_eq!(code, "store_locked");
            assert!(message.contains("ast login --store file"), "{message}");
            assert_eq!(output.json().len(), 1, "nothing is shown before: {output}");
        }
        assert!(desk.server.events().is_empty(), "no code was asked for");

        drop(daemon);
        let _daemon = Daemon::unlocked();
        assert_eq!(signed_in(&desk.login("").run())["store"], "keyring");
        assert_eq!(items(), current_items(&desk));
    });
}

#[test]
fn logout() {
    inside("keyring::locked::logout", Bus::Empty, || {
        let daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        let left = current_items(&desk);
        lock();
        let output = desk.ast("logout").run();
        let message = output.failed(7);
        assert!(message.contains("✓ Logged out from profile \"default\""), "{output}");
        assert!(message.contains("the keyring did not let its tokens be deleted"), "{output}");
        assert!(
            message.contains("! The server did not confirm it (the credential store is locked")
        );
        assert_eq!(desk.server.stats().sign_outs, 0);
        assert_eq!(error(&desk.token(), 4).0, "not_signed_in");
        let again = desk.ast("logout").run();
        assert!(again.failed(7).contains("unlock it and run 'ast logout' again"), "{again}");

        drop(daemon);
        let _daemon = Daemon::unlocked();
        assert_eq!(items(), left);
        assert_eq!(desk.ast("logout").run().ok(), "");
        assert!(items().is_empty(), "the logout deletes what was left");
        assert_eq!(error(&desk.token(), 4).0, "not_signed_in");
        signed_in(&desk.ast("login --json --no-browser").run());
        assert_eq!(items(), current_items(&desk));
        assert!(desk.home.credentials().get("sweep").is_none());
    });
}
