//! `ast whoami`.

use serde_json::json;

use super::{NOT_LOGGED_IN, SESSION_OVER, World, eager, names, rfc3339};

#[test]
fn whoami_without_a_login_says_how_to_log_in() {
    let world = World::new(eager());
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN);
    let output = world.ast("whoami --json").run();
    assert_eq!(output.code, Some(4));
    let expected = json!({"event": "error", "code": "not_signed_in", "message": NOT_LOGGED_IN});
    assert_eq!(output.json(), [expected]);
    assert_eq!(output.stderr, "");
    assert!(!world.home.path().join(".astro").exists(), "asking creates nothing");
}

#[test]
fn ast_whoami_says_who_until_when_and_where() {
    let world = World::signed_in();
    let received_at = world.profile()["session"]["received_at"].as_i64().unwrap();
    let output = world.ast("whoami").run();
    let text = output.ok();
    let (lines, url) = (text.lines().collect::<Vec<_>>(), world.server.url());
    let expires = format!("  Expires   {} (in ", rfc3339(received_at + 300));
    assert!(lines[5].starts_with(&expires), "{text}");
    let expected = [
        "✓ Authenticated".to_owned(),
        "  Name      Ada Lovelace".to_owned(),
        "  Email     ada@example.com".to_owned(),
        "  Account   Ada Lovelace".to_owned(),
        "  ID        user_ada".to_owned(),
        lines[5].to_owned(),
        "  Profile   default".to_owned(),
        format!("  Provider  {url}"),
        format!("  Server    {url}"),
        "  Store     file".to_owned(),
    ];
    assert_eq!(lines, expected);
    assert_eq!(output.stderr, "");
}

#[test]
fn whoami_as_json_has_the_documented_fields() {
    let world = World::signed_in();
    let received_at = world.profile()["session"]["received_at"].as_i64().unwrap();
    let output = world.ast("whoami --json").run();
    output.ok();
    let expected = json!({
        "profile": "default",
        "provider": world.server.url(),
        "server": world.server.url(),
        "user": {"id": "user_ada", "email": "ada@example.com", "name": "Ada Lovelace"},
        "account": {
            "id": "acct_ada", "name": "Ada Lovelace", "type": "personal", "role": "owner",
            "organization": null,
        },
        "expires_at": rfc3339(received_at + 300),
        "store": "file",
    });
    let found = &output.json()[0];
    assert_eq!((found, names(found)), (&expected, names(&expected)));
}

#[test]
fn whoami_says_who_it_is_where_the_expired_token_cannot_be_refreshed() {
    let world = World::signed_in();
    world.home.age("default", 400);
    let received_at = world.profile()["session"]["received_at"].as_i64().unwrap();
    let expires = rfc3339(received_at + 300);
    world.server.fault("refresh:*:status=503".parse().unwrap());
    let output = world.ast("whoami").run();
    assert_eq!(output.code, Some(6), "{output}");
    let lines: Vec<_> = output.stdout.lines().collect();
    assert_eq!(lines[0], "! Signed in, but there is no valid token at the moment");
    assert_eq!(lines[2], "  Email     ada@example.com");
    assert!(lines[5].starts_with(&format!("  Expires   {expires} (")), "{output}");
    assert!(lines[5].ends_with(" ago)"), "{output}");
    assert!(output.stderr.starts_with("Error: The server cannot answer"), "{output}");

    // The same, and then the error.
    let output = world.ast("whoami --json").run();
    let [who, error] = &output.json()[..] else { panic!("{output}") };
    assert_eq!((&who["user"]["id"], &who["expires_at"]), (&json!("user_ada"), &json!(expires)));
    assert_eq!(error["code"], "server_unavailable");
}

#[test]
fn whoami_after_the_server_ended_the_session_says_so_and_deletes_nothing() {
    let world = World::signed_in();
    world.home.age("default", 400);
    world.server.revoke_sessions();
    let before = world.home.credentials();
    assert_eq!(world.ast("whoami").run().failed(4), SESSION_OVER);
    assert_eq!(world.home.credentials(), before);
    let output = world.ast("whoami --json").run();
    assert_eq!(output.json()[0]["code"], "session_over");
}
