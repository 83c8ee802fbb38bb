//! `ast token`, and a token from the environment.

use serde_json::json;

use super::{NOT_LOGGED_IN, World, eager, names, rfc3339};

#[test]
fn token_prints_the_token_and_a_line_end_and_asks_nobody() {
    let world = World::signed_in();
    let before = world.server.events().len();
    let output = world.ast("token").printing_a_token().run();
    let stored = world.profile()["tokens"]["access_token"].as_str().unwrap().to_owned();
    assert_eq!((output.ok(), output.stderr.as_str()), (&*format!("{stored}\n"), ""));
    assert_eq!(world.server.events().len(), before, "a fresh token needs no request");
}

#[test]
fn token_as_json_has_the_documented_fields() {
    let world = World::signed_in();
    let output = world.ast("token --json").printing_a_token().run();
    let profile = world.profile();
    let expires_at = profile["session"]["received_at"].as_i64().unwrap() + 300;
    let expected = json!({
        "access_token": profile["tokens"]["access_token"],
        "token_type": "Bearer",
        "expires_at": rfc3339(expires_at),
    });
    let found = &output.json()[0];
    assert_eq!((found, names(found)), (&expected, names(&expected)));
}

#[test]
fn token_without_a_login_prints_nothing_on_stdout() {
    let world = World::new(eager());
    assert_eq!(world.ast("token").run().failed(4), NOT_LOGGED_IN);
}

#[test]
fn a_token_from_the_environment_is_used_as_it_is_and_never_stored() {
    let world = World::new(eager());
    let grant = world.grant();
    let token = grant["access_token"].as_str().unwrap();
    let url = world.server.url();
    let ast = |args: &str| world.ast(args).env("ASTRO_ACCESS_TOKEN", token);

    let output = ast("token").printing_a_token().run();
    assert_eq!(output.ok(), format!("{token}\n"));
    let output = ast(&format!("api /api/v1/me --server {url}")).run();
    assert!(output.ok().contains("Navy Computing"), "{output}");
    let output = ast(&format!("account list --server {url}")).run();
    assert!(output.ok().contains("Navy Computing"), "{output}");

    let output = ast(&format!("whoami --server {url}")).run();
    let expected =
        format!("ASTRO_ACCESS_TOKEN is used, as it is and unchecked\n  Server    {url}\n");
    assert_eq!(output.ok(), expected);
    let output = ast("whoami --json").run();
    let expected = json!({
        "profile": null, "provider": null, "server": null, "user": null, "account": null,
        "expires_at": null, "store": "environment",
    });
    assert_eq!(output.json(), [expected]);
    assert!(!world.home.path().join(".astro").exists(), "nothing is stored");
}

#[test]
fn a_token_from_the_environment_wins_over_a_login_and_is_not_refreshed() {
    let world = World::signed_in();
    let before = world.home.credentials();
    let ast = |args: &str| world.ast(args).env("ASTRO_ACCESS_TOKEN", "from-outside");
    let output = ast("token").run();
    assert_eq!(output.ok(), "from-outside\n");
    // The profile's server, with a token that it does not accept.
    let output = ast("api /api/v1/me").run();
    assert_eq!(output.code, Some(4), "{output}");
    let output = world.ast("account use org_navy").env("ASTRO_ACCESS_TOKEN", "from-outside").run();
    assert!(output.failed(2).contains("ASTRO_ACCESS_TOKEN"), "{output}");
    assert_eq!(world.refreshes(), 0);
    assert_eq!(world.home.credentials(), before);
}

#[test]
fn an_empty_token_in_the_environment_is_none() {
    let world = World::new(eager());
    let output = world.ast("token").env("ASTRO_ACCESS_TOKEN", "").run();
    assert_eq!(output.failed(4), NOT_LOGGED_IN);
}

#[test]
fn a_token_in_the_environment_that_cannot_be_used_is_no_reason_to_act_as_the_stored_user() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let world = World::signed_in();
    for (token, problem) in [
        (&b"s3cr3t\xff"[..], "ASTRO_ACCESS_TOKEN is not valid UTF-8."),
        (b"s3cr3t\ntoken", "ASTRO_ACCESS_TOKEN is no token: "),
        ("s3cr3t-\u{e9}".as_bytes(), "ASTRO_ACCESS_TOKEN is no token: "),
        (b" \n", "ASTRO_ACCESS_TOKEN is no token: "),
    ] {
        let output = world.ast("token").env("ASTRO_ACCESS_TOKEN", OsStr::from_bytes(token)).run();
        assert!(output.failed(2).starts_with(&format!("Error: {problem}")), "{output}");
        assert!(!output.stderr.contains("s3cr3t"), "{output}");
    }
    let name = OsStr::from_bytes(b"w\xffrk");
    let output = world.ast("token").env("ASTRO_PROFILE", name).run();
    assert!(output.failed(2).starts_with("Error: ASTRO_PROFILE is not valid UTF-8."), "{output}");
    let output = world.ast("token").env("ASTRO_ACCESS_TOKEN", " from-outside\r\n").run();
    assert_eq!(output.ok(), "from-outside\n");
}

#[test]
fn a_token_in_the_environment_that_the_server_does_not_accept_asks_for_no_login() {
    let world = World::signed_in();
    let error = "Error: HTTP 401. The API server does not accept the token in ASTRO_ACCESS_TOKEN. \
                 Set a valid one, or unset it.";
    for command in ["api /api/v1/me", "account list"] {
        let output = world.ast(command).env("ASTRO_ACCESS_TOKEN", "from-outside").run();
        assert_eq!((output.code, output.stderr.trim_end()), (Some(4), error));
    }
}

#[test]
fn logout_says_that_a_token_in_the_environment_still_counts() {
    let world = World::signed_in();
    let warning = "! ASTRO_ACCESS_TOKEN is set: other commands go on using it after this.\n";
    for command in ["logout", "logout", "logout --all"] {
        let output = world.ast(command).env("ASTRO_ACCESS_TOKEN", "from-outside").run();
        output.ok();
        assert!(output.stderr.starts_with(warning), "{output}");
    }
    assert_eq!(world.server.stats().sign_outs, 1);
}
