//! Discovery, and each way that a device flow ends there.

use astropass_tests::ast::Home;
use astropass_tests::foreign::{self, Foreign};
use serde_json::json;

use super::{approved, complete_uri, issuer, login, session, shared};
use crate::middle::{Fate, Middle};
use crate::{error, signed_in};

#[test]
fn discovered_and_approved() {
    let output = shared(|shared| shared.printed.clone());
    let [prompt, event] = &output.json()[..] else { panic!("{output}") };
    assert_eq!(prompt["event"], "prompt");
    assert_eq!(prompt["verification_uri"], format!("{}/device", issuer()));
    assert_eq!((&prompt["expires_in"], &prompt["interval"]), (&json!(600), &json!(5)));
    // The ID token names only the subject; userinfo knows the rest.
    let user = json!({"id": "ada", "email": "ada@example.com", "name": "Ada Lovelace"});
    assert_eq!(event["user"], user);
    assert_eq!(event["store"], "file");

    let home = session();
    let whoami = &home.ast("whoami --json").run().json()[0];
    assert_eq!((&whoami["user"], &whoami["provider"]), (&user, &json!(issuer())));
    let endpoints = &home.credentials()["profiles"]["default"]["provider"]["endpoints"];
    assert_eq!(endpoints["revocation"], format!("{}/token/revocation", issuer()));
    let lines = home.ast("whoami").run();
    assert!(lines.ok().contains("Name      Ada Lovelace\n"), "{lines}");
}

#[test]
fn issuer_misspelt() {
    let home = Home::new();
    let slash = format!("{}/", issuer());
    let (code, message) = error(&login(&home, &slash).run(), 6);
    assert_eq!(code, "issuer_mismatch");
    assert!(message.contains(&format!("calls itself {:?}, not {slash:?}", issuer())), "{message}");
    assert!(message.ends_with("Give --issuer exactly as the server has it."), "{message}");

    let elsewhere = format!("{}/tenant", issuer());
    let (code, message) = error(&login(&home, &elsewhere).run(), 6);
    assert_eq!(code, "malformed_response");
    assert!(message.starts_with(&format!("There is no provider at {elsewhere} ")), "{message}");
    assert!(message.contains("Give --issuer exactly as the server has it"), "{message}");

    let (code, message) = error(&login(&home, "http://127.0.0.1:1").run(), 6);
    assert_eq!(code, "network");
    assert!(message.starts_with("Cannot connect (127.0.0.1: "), "{message}");
    assert!(!home.credentials_file().exists());
}

#[test]
fn client_misspelt() {
    let home = Home::new();
    let options = "--client-id astropass --json --no-browser --issuer";
    let output = home.ast(&format!("login {options} {}", issuer())).run();
    let (code, message) = error(&output, 5);
    assert_eq!(code, "server_error");
    assert!(message.contains("(invalid_client)") && message.contains("--client-id"), "{message}");
}

#[test]
fn denied_by_a_person() {
    let home = Home::new();
    let mut running = login(&home, &issuer()).start();
    foreign::deny(&complete_uri(&running.prompt()), None).unwrap();
    let (code, message) = error(&running.finish(), 5);
    assert_eq!(code, "access_denied");
    assert!(message.starts_with("The login was denied"), "{message}");
    assert!(home.credentials().get("profiles").unwrap().get("default").is_none());
}

#[test]
fn not_approved_in_time() {
    let server = Foreign::oidc_provider(&json!({"device_code_ttl": 1})).unwrap();
    let home = Home::new();
    let (code, message) = error(&login(&home, server.url()).run(), 5);
    assert_eq!(code, "login_expired");
    assert_eq!(message, "The login was not approved in time. Run 'ast login' again.");
    let requests = server.requests("login").unwrap();
    let polls = requests.iter().filter(|request| request["path"] == "/token");
    assert_eq!(polls.count(), 0, "nobody polls an expired code");

    // The server says so itself to a client that believes to have more time.
    let middle = Middle::start(server.url(), Fate::Replace("\"expires_in\":1", "\"expires_in\":9"));
    let endpoint = format!("device_authorization={}/device/auth", middle.url());
    let output = login(&home, server.url()).args(["--endpoint", &endpoint]).run();
    assert_eq!(output.json()[0]["expires_in"], 9);
    assert_eq!(error(&output, 5), (code, message));
}

/// The answer with the tokens was lost, or the server has already forgotten an expired code.
#[test]
fn no_longer_known() {
    let middle = Middle::start(&issuer(), Fate::Twice);
    let home = Home::new();
    let endpoint = format!("token={}/token", middle.url());
    let output = approved(login(&home, &issuer()).args(["--endpoint", &endpoint]));
    let (_, message) = error(&output, 5);
    assert!(message.contains("(invalid_grant)"), "{message}");
    assert!(message.ends_with("Run 'ast login' again."), "{message}");
}

#[test]
fn named_by_the_id_token() {
    let server = Foreign::oidc_provider(&json!({"claims_in_id_token": true})).unwrap();
    let home = Home::new();
    let userinfo = ["--endpoint", "userinfo=http://127.0.0.1:1/"];
    let mut running = login(&home, server.url()).args(userinfo).start();
    // By a person who types the code.
    let prompt = running.prompt();
    let [uri, code] = ["verification_uri", "user_code"].map(|name| prompt[name].as_str().unwrap());
    foreign::approve(uri, Some(code)).unwrap();
    let event = signed_in(&running.finish());
    let user = json!({"id": "ada", "email": "ada@example.com", "name": "Ada Lovelace"});
    assert_eq!(event["user"], user);
}
