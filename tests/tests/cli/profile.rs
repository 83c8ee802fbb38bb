//! `ast profile`.

use serde_json::json;

use super::{NOT_LOGGED_IN, World, eager};

#[test]
fn profile_list_use_and_remove() {
    let world = World::signed_in();
    world.sign_in("work");
    let url = world.server.url();
    let line = |mark, name: &str, who: &str| format!("{mark} {name:<16} {who:<28} {url}\n");
    let list = || world.ast("profile list").run().ok().to_owned();
    let ada = "ada@example.com";
    assert_eq!(list(), line('*', "default", ada) + &line(' ', "work", ada));

    let output = world.ast("profile use work").run();
    assert_eq!((output.ok(), output.stderr.as_str()), ("", "✓ Using profile \"work\"\n"));
    assert_eq!(list(), line(' ', "default", ada) + &line('*', "work", ada));
    assert_eq!(world.ast("whoami --json").run().json()[0]["profile"], "work");

    let output = world.ast("logout").run();
    assert!(output.stderr.starts_with("✓ Logged out from profile \"work\"\n"), "{output}");
    assert_eq!(list(), line(' ', "default", ada) + &line('*', "work", "signed out"));
    assert_eq!(
        world.ast("whoami").run().failed(4),
        "not logged in to profile \"work\". Run 'ast login --profile work' to authenticate"
    );

    let output = world.ast("profile remove work").run();
    let says = "✓ Removed profile \"work\"\n  Other commands use profile \"default\" again.\n";
    assert_eq!((output.ok(), output.stderr.as_str()), ("", says));
    assert_eq!(list(), line('*', "default", ada), "which is the default again");
}

/// Nothing said that no profile was current any more, nor what commands would do then.
#[test]
fn profile_remove_says_which_profile_is_used_next() {
    let world = World::signed_in();
    for profile in ["one", "two"] {
        world.sign_in(profile);
    }
    world.ast("profile use one").run().ok();
    let stderr = |args: &str| {
        let output = world.ast(args).run();
        output.ok();
        output.stderr
    };
    assert!(!stderr("profile remove two").contains("  Other commands"), "it was not in use");
    assert!(
        stderr("profile remove one").ends_with("  Other commands use profile \"default\" again.\n")
    );
    // A login to another one leaves it so.
    world.log_in(world.login("--profile two")).ok();
    assert_eq!(world.home.credentials()["current"]["ast"], "default");
    let says = "  No profile is chosen now. Run 'ast profile use NAME' to choose another.\n";
    assert!(stderr("profile remove default").ends_with(says));
    let says = "Commands use profile \"default\", which is none of them. Run 'ast profile use NAME' to choose one.\n";
    assert_eq!(stderr("profile list"), says);
    assert!(stderr("profile remove two").ends_with("✓ Removed profile \"two\"\n"), "none is left");
}

#[test]
fn profile_remove_ends_the_session() {
    let world = World::signed_in();
    world.ast("profile remove default").run().ok();
    assert_eq!(world.server.stats().sign_outs, 1);
    assert_eq!(world.home.credentials()["profiles"], json!({}));
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN);
}

#[test]
fn profile_commands_as_json() {
    let world = World::signed_in();
    world.sign_in("work");
    let output = world.ast("profile list --json").run();
    let expected = json!({
        "profile": "default",
        "current": true,
        "signed_in": true,
        "provider": world.server.url(),
        "user": {"id": "user_ada", "email": "ada@example.com", "name": "Ada Lovelace"},
        "store": "file",
    });
    assert_eq!(output.json()[0], expected);
    assert_eq!(output.json()[1]["profile"], "work");
    let output = world.ast("profile use work --json").run();
    assert_eq!(output.json(), [json!({"event": "profile_chosen", "profile": "work"})]);
    let output = world.ast("profile remove work --json").run();
    let signed_out = json!({
        "event": "signed_out", "profile": "work", "revocation": "confirmed", "deleted": true,
    });
    let removed = json!({"event": "profile_removed", "profile": "work"});
    assert_eq!(output.json(), [signed_out, removed]);
}

#[test]
fn profiles_that_are_not_there_are_refused_with_what_to_do() {
    let world = World::new(eager());
    let output = world.ast("profile list").run();
    let nobody = "No profiles yet. Run 'ast login' to make one.\n";
    assert_eq!((output.ok(), output.stderr.as_str()), ("", nobody));
    for command in ["use", "remove"] {
        let output = world.ast(&format!("profile {command} work")).run();
        let expected = "Error: There is no profile \"work\". Run 'ast profile list' to see them.";
        assert_eq!(output.failed(2), expected);
    }
    let overlong = "x".repeat(243);
    for name in ["../evil", "a/b", "-x", ".hidden", "ä", "", &overlong] {
        let output = world.ast("whoami").args([format!("--profile={name}")]).run();
        let expected = format!(
            "Error: {name:?} cannot name a profile. Use 1 to 242 letters, digits, '-', '_' and '.', first a letter or digit and last no '.'."
        );
        assert_eq!(output.failed(2), expected);
    }
}

/// It named a profile without a name.
#[test]
fn a_profile_name_that_cannot_be_used_is_not_in_the_advice_for_all_profiles() {
    let world = World::signed_in();
    std::fs::write(world.home.credentials_file(), "no JSON").unwrap();
    let output = world.ast("profile list").env("ASTRO_PROFILE", "a b").run();
    let error = output.failed(7);
    assert!(error.contains("Run 'ast login' to sign in again"), "{error}");
}

#[test]
fn a_login_to_another_profile_leaves_the_current_one_and_says_how_to_use_it() {
    let world = World::signed_in();
    let login = world.login("--profile work");
    let mut login = login.args(["--no-browser"]).start();
    let code = login.wait_for(|_, stderr| {
        let (_, rest) = stderr.split_once("Your verification code is: ")?;
        stderr.contains("Open this URL").then(|| rest[..9].to_owned())
    });
    world.server.approve(&code, &Default::default()).unwrap();
    let output = login.finish();
    output.ok();
    let hint = "  Run 'ast profile use work' to use it without --profile.\n";
    assert!(output.stderr.ends_with(hint), "{output}");
    let whoami = |args: &str| world.ast(&format!("whoami --json {args}")).run().json()[0].clone();
    assert_eq!(whoami("")["profile"], "default");
    assert_eq!(whoami("--profile work")["profile"], "work");
    assert_eq!(world.server.stats().sign_outs, 0, "the other profile's session lives on");
}

#[test]
fn profile_remove_says_when_the_server_did_not_confirm_the_logout() {
    let world = World::signed_in();
    world.server.fault("logout:*:status=503".parse().unwrap());
    let output = world.ast("profile remove default").run();
    assert_eq!(output.ok(), "");
    assert!(output.stderr.contains("\n! The server did not confirm it ("), "{output}");
    assert!(output.stderr.ends_with("✓ Removed profile \"default\"\n"), "{output}");
}

#[test]
fn profile_use_warns_where_a_variable_overrides_it() {
    let world = World::signed_in();
    world.sign_in("work");
    let choose = |variable: &str| {
        let output = world.ast("profile use work").env("ASTRO_PROFILE", variable).run();
        output.ok();
        output.stderr
    };
    let warning = "! ASTRO_PROFILE is set: commands use its profile \"default\" instead.\n";
    assert!(choose("default").starts_with(warning));
    assert_eq!(choose("work"), "✓ Using profile \"work\"\n");
}
