//! An unlocked keyring.

use std::fs;

use astropass_tests::ast::Home;
use astropass_tests::sandbox::{Bus, Daemon, inside};
use astropass_tests::server::CANARY;

use super::{Desk, current_items, items};
use crate::{error, signed_in};

#[test]
fn kept_refreshed_and_deleted() {
    inside("keyring::stored::kept_refreshed_and_deleted", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        assert_no_token_in_the_file(&desk.home);
        assert_eq!(desk.ast("whoami --json").run().json()[0]["store"], "keyring");
        let before = current_items(&desk);
        assert_eq!(items(), before);

        desk.home.age("default", 301);
        let token = desk.token();
        assert!(
            desk.server.issued().iter().any(|issued| token.json()[0]["access_token"] == **issued)
        );
        assert_eq!(desk.server.stats().refreshes, 1);
        assert_no_token_in_the_file(&desk.home);
        assert_ne!(current_items(&desk), before);
        assert_eq!(items(), current_items(&desk), "nothing is left of the old session");

        // A login over it leaves nothing of it either.
        let event = signed_in(&desk.ast("login --json --no-browser").run());
        assert_eq!(event["store"], "keyring");
        assert_eq!(desk.server.stats().sign_outs, 1);
        assert_eq!(items(), current_items(&desk));

        let output = desk.ast("logout").run();
        output.ok();
        assert_eq!(items(), Vec::<String>::new());
        assert_eq!(error(&desk.token(), 4).0, "not_signed_in");
        assert!(desk.home.credentials().get("sweep").is_none());
    });
}

/// A session moves between the stores when a login says so, and leaves nothing behind.
#[test]
fn moved() {
    inside("keyring::stored::moved", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        assert_eq!(signed_in(&desk.login("--store file").run())["store"], "file");
        assert_eq!(items(), Vec::<String>::new());
        assert_eq!(signed_in(&desk.login("--store keyring").run())["store"], "keyring");
        assert_eq!(items(), current_items(&desk));
        assert_no_token_in_the_file(&desk.home);
    });
}

#[test]
fn asked_by_many_at_the_moment_of_expiry() {
    inside("keyring::stored::asked_by_many_at_the_moment_of_expiry", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let desk = Desk::signed_in();
        desk.home.age("default", 400);
        let ask = || desk.ast("token --json").printing_a_token().start();
        let many: Vec<_> = (0..8).map(|_| ask()).collect();
        let answers: Vec<_> = many.into_iter().map(|one| one.finish()).collect();
        for answer in &answers {
            assert_eq!(answer.ok(), answers[0].stdout, "all have the same token");
        }
        assert_eq!(desk.server.stats().refreshes, 1);
        assert_eq!(items(), current_items(&desk));
    });
}

/// No token is in `credentials.json`.
#[track_caller]
fn assert_no_token_in_the_file(home: &Home) {
    let text = fs::read_to_string(home.credentials_file()).unwrap();
    assert!(!text.contains(CANARY), "a token is in credentials.json: {text}");
}
