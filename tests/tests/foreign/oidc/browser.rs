//! `ast login --browser`: a person, the pages of the provider, and the way back.

use std::fs;
use std::process::Command;

use astropass_tests::ast::{Ast, Home};
use astropass_tests::foreign::{Browser, Foreign, Visitor};
use serde_json::{Value, json};

use super::{issuer, shared};
use crate::{error, signed_in};

fn login(home: &Home, issuer: &str, args: &str) -> Ast {
    let args = format!("login --browser --store file --client-id astropass-cli {args}");
    home.ast(&args).args(["--issuer", issuer])
}

/// What the provider was asked at its token endpoint.
fn exchanges(state: &str) -> usize {
    let requests = shared(|shared| shared.server.requests("login")).unwrap();
    let callbacks = requests.iter().filter(|request| request["path"] == "/token");
    callbacks.filter(|request| request.to_string().contains(state)).count()
}

#[test]
fn a_person_in_the_browser_that_is_opened() {
    let home = Home::new();
    let person = Visitor::default().setting("state", "forged").then_true().twice();
    let browser = Browser::of(&person).unwrap();
    let login = login(&home, &issuer(), "").env("BROWSER", browser.program());
    let output = login.env("NO_COLOR", "1").start_on_terminal().finish();
    assert!(output.ok().contains("Opening your browser to sign in at 127.0.0.1:"), "{output}");
    assert!(output.stdout.contains("✓ Welcome, Ada Lovelace (ada@example.com)"), "{output}");

    let visit = browser.visit().unwrap();
    let [forged, page, again] = &visit.pages[..] else { panic!("{visit:?}") };
    assert_eq!((forged.status, &*forged.title), (400, "Not the login that waits here"));
    assert_eq!((page.status, &*page.title), (200, "You are signed in"));
    assert!(page.text.contains("Ada Lovelace (ada@example.com)"), "{page:?}");
    assert_eq!(again.status, 0, "the port is closed, so the code was used once");

    // Offline access came with it: the session is one that lasts.
    home.age("default", 3500);
    home.ast("token").printing_a_token().run().ok();
    home.ast("logout").run().ok();
}

#[test]
fn what_the_browser_is_given_is_no_secret() {
    let home = Home::new();
    let [script, opened] = ["browser", "opened"].map(|name| home.path().join(name));
    assert!(Command::new("mkfifo").arg(&opened).status().unwrap().success());
    fs::write(&script, "printf '%s\\n' \"$@\" >\"$ASTRO_HOME/opened\"\n").unwrap();
    let browser = format!("/bin/sh {}", script.display());
    let mut running = login(&home, &issuer(), "--json").env("BROWSER", browser).start();
    let link = running.prompt()["authorization_url"].as_str().unwrap().to_owned();
    assert_eq!(fs::read_to_string(opened).unwrap(), format!("{link}\n"));
    Visitor::default().visit(&link).unwrap();
    signed_in(&running.finish());

    let requests = shared(|shared| shared.server.requests("login")).unwrap();
    let verifier = |request: &Value| request["body"]["code_verifier"].as_str().map(str::to_owned);
    let verifiers: Vec<_> = requests.iter().filter_map(verifier).collect();
    assert!(!verifiers.is_empty());
    assert!(verifiers.iter().all(|verifier| !link.contains(verifier)), "{link}");
}

#[test]
fn denied_by_the_person() {
    let home = Home::new();
    let browser = Browser::of(&Visitor::default().denying()).unwrap();
    let output = login(&home, &issuer(), "--json").env("BROWSER", browser.program()).run();
    let (code, message) = error(&output, 5);
    assert_eq!(code, "access_denied");
    assert!(message.starts_with("The login was denied: "), "{message}");
    let visit = browser.visit().unwrap();
    assert!(visit.denied);
    assert_eq!(visit.pages[0].title, "You are not signed in");
    assert!(visit.pages[0].text.contains("(access_denied)"), "{visit:?}");
}

#[test]
fn sent_back_by_another_issuer() {
    let home = Home::new();
    let person = Visitor::default().setting("iss", "https://evil.example");
    let browser = Browser::of(&person).unwrap();
    let output = login(&home, &issuer(), "--json").env("BROWSER", browser.program()).run();
    let (code, message) = error(&output, 5);
    assert_eq!(code, "invalid_callback");
    assert!(message.contains("another issuer sent it"), "{message}");
    let visit = browser.visit().unwrap();
    assert_eq!(visit.pages[0].title, "You are not signed in");
    let code = visit.callback.unwrap();
    let code = code.split(['?', '&']).find_map(|field| field.strip_prefix("code=")).unwrap();
    assert_eq!(exchanges(code), 0, "the code went nowhere");
}

#[test]
fn on_another_machine_and_pasted() {
    let home = Home::new();
    let login = login(&home, &issuer(), "--no-browser").env("NO_COLOR", "1");
    let mut running = login.start_on_terminal();
    let link = running.wait_for(|screen, _| {
        let link = screen.split("\r\n\r\n  ").nth(1)?.split_once("\r\n")?.0;
        Some(link.to_owned())
    });
    let visit = Visitor::default().named("grace").staying().visit(&link).unwrap();
    running.answer("press Enter.", &visit.callback.unwrap());
    let output = running.finish();
    assert!(output.ok().contains("✓ Welcome, grace (grace@example.com)"), "{output}");
}

#[test]
fn without_a_device_flow() {
    let server = Foreign::oidc_provider(&json!({"device_flow": false})).unwrap();
    let home = Home::new();
    let browser = Browser::of(&Visitor::default()).unwrap();
    let args = "login --store file --client-id astropass-cli --issuer";
    let login = home.ast(args).args([server.url()]).env("BROWSER", browser.program());
    let output = login.run();
    output.ok();
    assert!(
        output.stderr.contains(" has no device flow, so this goes through a browser."),
        "{output}"
    );
    assert_eq!(browser.visit().unwrap().pages[0].title, "You are signed in");
}
