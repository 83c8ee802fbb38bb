//! `ast logout`.

use std::fs;

use serde_json::json;

use super::{NOT_LOGGED_IN, World, eager};

#[test]
fn ast_logout_ends_the_session_here_and_at_the_server() {
    let world = World::signed_in();
    let output = world.ast("logout").run();
    let expected = "✓ Logged out from profile \"default\"\n  \
                    The server confirmed that the session is over.\n";
    assert_eq!((output.ok(), output.stderr.as_str()), ("", expected));
    assert_eq!(world.server.stats().sign_outs, 1);
    assert_eq!(world.profile().get("tokens"), None);
    assert_eq!(world.ast("token").run().failed(4), NOT_LOGGED_IN);

    let output = world.ast("logout").run();
    assert_eq!((output.ok(), output.stderr.as_str()), ("", "Not currently logged in.\n"));
    let output = world.ast("logout --json").run();
    assert_eq!(output.json(), [json!({"event": "not_signed_in", "profile": "default"})]);
    let output = world.ast("logout --all --json").run();
    assert_eq!(output.json(), [json!({"event": "not_signed_in"})]);
}

/// A misspelt name passed for a session that was over already.
#[test]
fn a_logout_of_a_profile_that_is_not_there_says_so() {
    let world = World::signed_in();
    world.sign_in("work");
    let stderr = |args: &str| {
        let output = world.ast(args).run();
        assert_eq!(output.ok(), "");
        output.stderr
    };
    let says =
        "There is no profile \"wrok\" to log out from. Run 'ast profile list' to see them.\n";
    assert_eq!(stderr("logout --profile wrok"), says);
    assert!(stderr("logout --profile work").starts_with("✓ Logged out from profile \"work\"\n"));
    assert_eq!(stderr("logout --profile work"), "Not currently logged in to profile \"work\".\n");
    assert_eq!(world.server.stats().sign_outs, 1);
}

/// A first login that is killed while it stores leaves its tokens under a name that only a later
/// writer deletes.
#[test]
fn what_a_killed_first_login_left_is_deleted_by_a_logout() {
    let world = World::new(eager());
    for command in ["logout", "logout --all"] {
        let folder = world.home.path().join(".astro");
        let left = folder.join(".credentials.0123.tmp");
        world.home.set_credentials(&json!({"version": 1, "current": {}, "profiles": {}}));
        fs::copy(world.home.credentials_file(), &left).unwrap();
        fs::remove_file(world.home.credentials_file()).unwrap();
        let output = world.ast(command).run();
        assert_eq!((output.ok(), output.stderr.as_str()), ("", "Not currently logged in.\n"));
        assert!(!left.exists(), "{command}");
    }
}

#[test]
fn logout_in_an_empty_home_says_that_nobody_is_logged_in() {
    let world = World::new(eager());
    for command in ["logout", "logout --all"] {
        let output = world.ast(command).run();
        assert_eq!((output.ok(), output.stderr.as_str()), ("", "Not currently logged in.\n"));
    }
}

#[test]
fn logout_says_when_the_server_did_not_confirm_it_and_forgets_the_tokens_all_the_same() {
    let World { home, server } = World::signed_in();
    server.fault("logout:*:status=503".parse().unwrap());
    let text = |output: astropass_tests::ast::Output| {
        assert_eq!(output.ok(), "");
        let mut lines = output.stderr.lines().map(str::to_owned);
        assert_eq!(lines.next().as_deref(), Some("✓ Logged out from profile \"default\""));
        lines.next().unwrap()
    };
    let refused = text(home.ast("logout").run());
    assert!(refused.starts_with("! The server did not confirm it ("), "{refused}");
    assert!(refused.contains("HTTP 503"), "{refused}");
    assert_eq!(home.credentials()["profiles"]["default"].get("tokens"), None);

    let world = World { home, server };
    world.sign_in("default");
    let World { home, server } = world;
    drop(server);
    let unreachable = text(home.ast("logout").run());
    assert!(unreachable.starts_with("! The server did not confirm it ("), "{unreachable}");
    assert_eq!(home.ast("whoami").run().failed(4), NOT_LOGGED_IN);
}

#[test]
fn logout_says_when_the_provider_has_no_way_to_revoke() {
    let world = World::signed_in();
    world.home.edit("default", |profile| {
        profile["provider"]["endpoints"].as_object_mut().unwrap().remove("revocation");
    });
    let output = world.ast("logout").run();
    assert!(output.stderr.contains("The provider names no way to revoke"), "{output}");
    assert_eq!(world.profile().get("tokens"), None);
}

#[test]
fn logout_as_json_says_how_it_went() {
    let world = World::signed_in();
    let logout = |revocation: &str| {
        let output = world.ast("logout --json").run();
        output.ok();
        let expected = json!({
            "event": "signed_out", "profile": "default", "revocation": revocation, "deleted": true,
        });
        assert_eq!((output.json(), output.stderr.as_str()), (vec![expected], ""));
    };
    logout("confirmed");
    world.sign_in("default");
    world.server.fault("logout:1:cut".parse().unwrap());
    world.server.fault("logout:2:cut".parse().unwrap());
    logout("unconfirmed");
    world.sign_in("default");
    world.home.edit("default", |profile| {
        profile["provider"]["endpoints"].as_object_mut().unwrap().remove("revocation");
    });
    logout("unsupported");
}

#[test]
fn ast_logout_all_ends_the_sessions_of_all_profiles() {
    let world = World::signed_in();
    world.sign_in("work");
    world.sign_in("home");
    let output = world.ast("logout --all").run();
    assert_eq!(output.ok(), "");
    assert!(output.stderr.ends_with("✓ Logged out from all profiles\n"), "{output}");
    assert_eq!(world.server.stats().sign_outs, 3);
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN);
    for profile in ["work", "home"] {
        let output = world.ast(&format!("whoami --profile {profile}")).run();
        let message = format!("not logged in to profile {profile:?}");
        assert!(output.failed(4).starts_with(&message), "{output}");
    }
    assert_eq!(world.ast("logout --all").run().stderr, "Not currently logged in.\n");
}

#[test]
fn a_session_that_the_server_has_ended_can_be_logged_out_of() {
    let world = World::signed_in();
    world.server.revoke_sessions();
    world.home.age("default", 400);
    world.ast("logout").run().ok();
    assert_eq!(world.profile().get("tokens"), None);
}

#[test]
fn logout_without_a_session_still_deletes_what_an_earlier_one_left_in_the_keyring() {
    let world = World::signed_in();
    world.ast("logout").run().ok();
    let mut credentials = world.home.credentials();
    credentials["sweep"] = json!([{"profile": "default", "revision": "left", "items": 1}]);
    world.home.set_credentials(&credentials);
    // There is no keyring here, so it is tried and told.
    for command in ["logout", "logout --all", "profile remove default"] {
        let output = world.ast(command).run();
        let error = output.failed(7);
        assert!(error.contains("the keyring did not let its tokens be deleted"), "{error}");
        assert!(error.ends_with(&format!("; unlock it and run 'ast {command}' again.")), "{error}");
        assert_eq!(world.home.credentials(), credentials, "{command}");
    }
}
