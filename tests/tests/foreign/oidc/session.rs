//! What becomes of a session there.

use std::fs;

use astropass_tests::ast::Home;
use astropass_tests::client;
use astropass_tests::foreign::Visitor;
use http::StatusCode;
use serde_json::Value;

use super::{complete_uri, issuer, session};
use crate::middle::{Fate, Middle};
use crate::{copy_of, error, signed_in, tokens};

/// Its access tokens live an hour; then it is stale, and expired.
const STALE: i64 = 3320;
const EXPIRED: i64 = 3601;

#[test]
fn refreshed_and_rotated() {
    let home = session();
    let before = tokens(&home);
    home.age("default", STALE);
    let printed = home.ast("token").printing_a_token().run();
    let after = tokens(&home);
    assert_eq!(printed.ok().trim_end(), after[0]);
    assert!(before[0] != after[0] && before[1] != after[1], "both tokens are new");
    assert_eq!(home.ast("token").printing_a_token().run().ok(), printed.ok());
    assert_eq!(tokens(&home), after);

    // The server takes it, and the next one.
    let subject = || {
        let answer = home.ast("api /me --server").args([issuer()]).run();
        answer.json()[0]["sub"].clone()
    };
    assert_eq!(subject(), "ada");
    home.age("default", EXPIRED);
    assert_eq!(subject(), "ada");
    assert_ne!(tokens(&home)[1], after[1]);
}

#[test]
fn reused_refresh_token_ends_it_for_all() {
    let home = session();
    let late = copy_of(&home);
    home.age("default", STALE);
    home.ast("token").printing_a_token().run().ok();

    // The second user of the old token, and then the first one, whose new token died with it.
    for home in [&late, &home] {
        home.age("default", STALE);
        let before = home.credentials();
        for _ in 0..2 {
            let output = home.ast("token").printing_a_token().run();
            let message = "session expired or invalid. Run 'ast login' to re-authenticate";
            assert_eq!(output.failed(4), message);
        }
        assert_eq!(error(&home.ast("whoami --json").run(), 4).0, "session_over");
        assert!(home.credentials() == before, "nothing is deleted");
    }
}

/// Without a grace period the repeated request is a reuse, so the session cannot be saved.
#[test]
fn lost_reply_ends_it_soon() {
    let home = session();
    let middle = Middle::start(&issuer(), Fate::LoseReply);
    through(&middle, &home, "token", "/token");
    home.age("default", EXPIRED);
    assert_eq!(error(&home.ast("token --json").run(), 6).0, "network");
    assert_eq!(middle.requests(), 2, "it is sent again at once, and once only");

    let token = format!("{}/token", issuer());
    home.edit("default", |profile| profile["provider"]["endpoints"]["token"] = token.into());
    let before = home.credentials();
    for _ in 0..2 {
        assert_eq!(error(&home.ast("token --json").run(), 4).0, "session_over");
    }
    assert!(home.credentials() == before, "nothing is deleted");
}

#[test]
fn unreachable_server_ends_nothing() {
    let home = session();
    let token = tokens(&home)[0].clone();
    let endpoint = "http://127.0.0.1:1/";
    home.edit("default", |profile| profile["provider"]["endpoints"]["token"] = endpoint.into());
    home.age("default", STALE);
    assert_eq!(home.ast("token").printing_a_token().run().ok().trim_end(), token);
    home.age("default", EXPIRED - STALE);
    let before = home.credentials();
    assert_eq!(error(&home.ast("token --json").run(), 6).0, "network");
    assert!(home.credentials() == before, "nothing is deleted");

    // A logout whose answer is lost is one all the same.
    let middle = Middle::start(&issuer(), Fate::LoseReply);
    through(&middle, &home, "revocation", "/token/revocation");
    let output = home.ast("logout").run();
    output.ok();
    assert!(output.stderr.contains("The server did not confirm it ("), "{output}");
    assert_eq!(middle.requests(), 1);
    assert_eq!(error(&home.ast("token --json").run(), 4).0, "not_signed_in");
}

#[test]
fn logged_out_and_revoked() {
    let home = session();
    let before = tokens(&home);
    assert_eq!(userinfo(&before[0]), StatusCode::OK);
    let output = home.ast("logout").run();
    output.ok();
    assert!(output.stderr.contains("The server confirmed that the session is over."), "{output}");
    assert_gone(&before);
    let file = fs::read_to_string(home.credentials_file()).unwrap();
    assert!(before.iter().all(|token| !file.contains(token.as_str())), "a token is left: {file}");
    assert_eq!(error(&home.ast("token --json").run(), 4).0, "not_signed_in");
}

#[test]
fn login_of_another_user_revokes_the_session_before() {
    let home = session();
    let before = tokens(&home);
    assert_eq!(login_as("grace", &home)["user"]["id"], "grace");
    assert_gone(&before);
    home.age("default", STALE);
    home.ast("token").printing_a_token().run().ok();
}

/// One browser has one grant for each client, and whatever revokes it ends both sessions.
#[test]
fn login_of_the_same_user_is_not_ended_with_the_session_before() {
    let home = session();
    for _ in 0..2 {
        assert_eq!(login_as("ada", &home)["user"]["id"], "ada");
    }
    home.age("default", STALE);
    home.ast("token").printing_a_token().run().ok();
    assert_eq!(userinfo(&tokens(&home)[0]), StatusCode::OK);
}

/// A login over the session of `home`, in a browser of this home.
fn login_as(name: &str, home: &Home) -> Value {
    // Where and how to sign in is remembered.
    let mut running = home.ast("login --json --no-browser").start();
    let uri = complete_uri(&running.prompt());
    Visitor::default().named(name).cookies(&home.path().join("cookies")).visit(&uri).unwrap();
    signed_in(&running.finish())
}

/// Neither of the tokens is worth anything to the server.
#[track_caller]
fn assert_gone([access_token, refresh_token]: &[String; 2]) {
    assert_eq!(userinfo(access_token), StatusCode::UNAUTHORIZED);
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
        ("client_id", "astropass-cli"),
    ];
    let answer = client::post(&format!("{}/token", issuer())).form(fields).send().unwrap();
    assert_eq!(answer.json()["error"], "invalid_grant");
}

fn userinfo(access_token: &str) -> StatusCode {
    client::get(&format!("{}/me", issuer())).bearer(access_token).send().unwrap().status()
}

/// From now on requests to that endpoint go through `middle`.
fn through(middle: &Middle, home: &Home, endpoint: &str, path: &str) {
    let url = format!("{}{path}", middle.url());
    home.edit("default", |profile| profile["provider"]["endpoints"][endpoint] = url.into());
}
