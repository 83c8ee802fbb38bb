//! WorkOS's own emulator. It approves each login at once, wants JSON, answers errors as `code` and
//! `message`, and has no grace for a refresh token that is used again.

use astropass::Session;
use astropass_tests::ast::{Home, Output};
use astropass_tests::client;
use astropass_tests::foreign::Foreign;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{copy_of, error, signed_in, tokens};

/// Its access tokens live an hour; then it is stale.
const STALE: i64 = 3500;

/// Nobody listens here: the emulator has no API server.
const API: &str = "http://127.0.0.1:1";

fn emulator() -> Foreign {
    Foreign::workos(&json!({})).unwrap()
}

fn login(home: &Home, emulator: &Foreign, options: &str) -> Output {
    home.ast("login --json --no-browser --store file --client-id client_astropass")
        .args(["--workos-url", emulator.url(), "--server", API])
        .args(options.split_whitespace())
        .run()
}

/// What the token says of itself.
fn claims(access_token: &str) -> Value {
    let payload = access_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The answer to a request of somebody who has the key.
fn as_the_owner(emulator: &Foreign, path: &str) -> Value {
    let call = client::get(&format!("{}{path}", emulator.url())).bearer("sk_test_default");
    call.send().unwrap().json()
}

#[test]
fn signed_in_refreshed_and_replayed() {
    let (emulator, home) = (emulator(), Home::new());
    let output = login(&home, &emulator, "");
    let event = signed_in(&output);
    assert_eq!(event["user"]["email"], "ada@example.com");
    assert_eq!(event["user"]["name"], "Ada Lovelace");
    let warning = "! The accounts are not known yet: Cannot connect (127.0.0.1: ";
    assert!(output.stderr.starts_with(warning), "{output}");

    // It names no `expires_in`: the token itself does.
    let before = tokens(&home);
    let times = ["exp", "iat"].map(|name| claims(&before[0])[name].as_i64().unwrap());
    let lifetime = &home.credentials()["profiles"]["default"]["session"]["expires_in"];
    assert_eq!((lifetime, times[0] - times[1]), (&json!(3600), 3600));
    let whoami = &home.ast("whoami --json").run().json()[0];
    assert_eq!(whoami["user"], event["user"]);
    assert_eq!(whoami["expires_at"], event["expires_at"]);
    assert_eq!(whoami["provider"], emulator.url());

    let late = copy_of(&home);
    home.age("default", STALE);
    let token = home.ast("token").printing_a_token().run();
    let after = tokens(&home);
    assert_eq!(token.ok().trim_end(), after[0]);
    assert_ne!(before[1], after[1]);
    assert_eq!(home.credentials()["profiles"]["default"]["session"]["user"], late_user(&late));

    late.age("default", STALE);
    let before = late.credentials();
    for _ in 0..2 {
        assert_eq!(error(&late.ast("token --json").run(), 4).0, "session_over");
    }
    assert!(late.credentials() == before, "nothing is deleted");
    // It does not punish the others.
    home.age("default", STALE);
    home.ast("token").printing_a_token().run().ok();
}

fn late_user(home: &Home) -> Value {
    home.credentials()["profiles"]["default"]["session"]["user"].clone()
}

#[test]
fn organization_switched_kept_and_left() {
    let (emulator, home) = (emulator(), Home::new());
    let organizations = &emulator.facts()["organizations"];
    let [first, second] = [0, 1].map(|n| organizations[n]["id"].as_str().unwrap().to_owned());
    signed_in(&login(&home, &emulator, &format!("--organization {first}")));
    assert_eq!(claims(&tokens(&home)[0])["org_id"], first);

    // Each refresh names it.
    home.age("default", STALE);
    home.ast("token").printing_a_token().run().ok();
    assert_eq!(claims(&tokens(&home)[0])["org_id"], first);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let token = runtime.block_on(async {
        let session = Session::builder().home(astropass::Home::in_directory(home.path()));
        session.build().unwrap().switch_organization(&second).await.unwrap()
    });
    assert_eq!(claims(token.expose_secret())["org_id"], second);
    assert_eq!(tokens(&home)[0], token.expose_secret());
    home.age("default", STALE);
    home.ast("token").printing_a_token().run().ok();
    let [access_token, _] = tokens(&home);
    assert_eq!(claims(&access_token)["org_id"], second);

    let session = claims(&access_token)["sid"].as_str().unwrap().to_owned();
    let user = late_user(&home)["id"].as_str().unwrap().to_owned();
    let is_there = || {
        let sessions = as_the_owner(&emulator, &format!("/user_management/users/{user}/sessions"));
        sessions["data"].as_array().unwrap().iter().any(|found| found["id"] == session)
    };
    assert!(is_there());
    let output = home.ast("logout").run();
    output.ok();
    assert!(output.stderr.contains("The server confirmed that the session is over."), "{output}");
    assert!(!is_there());
    assert_eq!(error(&home.ast("whoami --json").run(), 4).0, "not_signed_in");
}

/// A path that WorkOS does not know, and a client that it does not let in.
#[test]
fn its_own_words_in_its_own_shape() {
    let (emulator, home) = (emulator(), Home::new());
    let wrong = format!("--endpoint device_authorization={}/user_management", emulator.url());
    let (code, message) = error(&login(&home, &emulator, &wrong), 5);
    assert_eq!(code, "server_error");
    assert!(!message.contains('{'), "no raw body is shown: {message}");
    assert!(!home.credentials().to_string().contains("revision"));
}

/// A login that nobody approves is polled on, whatever shape the answer has.
#[test]
fn pending() {
    let emulator = Foreign::workos(&json!({"pending": true})).unwrap();
    let middle = crate::middle::Middle::start(
        emulator.url(),
        crate::middle::Fate::Replace("\"interval\":5", "\"interval\":1"),
    );
    let home = Home::new();
    let mut running = home
        .ast("login --json --no-browser --store file --client-id client_astropass")
        .args(["--workos-url", middle.url(), "--server", API])
        .start();
    assert_eq!(running.prompt()["interval"], 1);
    middle.wait_for_requests(3);
    running.interrupt();
    assert_eq!(running.finish().code, Some(130));
}
