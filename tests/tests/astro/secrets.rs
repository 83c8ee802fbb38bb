//! Nothing secret where others can see it, but for the value that the user gave `-t`.

use std::fs;

use astropass_tests::write_program;
use serde_json::json;

use super::{CLOUD, RegisteredPort, World};

/// The arguments and the environment of every process, as any program of the user can read them.
fn processes() -> Vec<u8> {
    let mut seen = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "environ"] {
            // A process may end while it is looked at.
            seen.extend(fs::read(entry.path().join(file)).unwrap_or_default());
        }
    }
    seen
}

fn contains(text: &[u8], secret: &str) -> bool {
    text.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[test]
fn no_token_reaches_a_childs_arguments_a_log_or_a_url() {
    let world = World::with(&json!({}));
    let _port = RegisteredPort::hold().unwrap();
    // A browser that keeps on running, and so can be looked at.
    let browser = world.home.path().join("browser");
    write_program(&browser, b"#!/bin/sh\nexec sleep 60\n");
    let mut login = world
        .astro("login --email ada@example.com --verbose --json")
        .env("BROWSER", &browser)
        .start();
    let link = login.prompt()["authorization_url"].as_str().unwrap().to_owned();
    let seen = processes();
    world.domains.visitor().visit(&link).unwrap();
    let output = login.finish();
    output.ok();
    let mut whole = seen;
    whole.extend(output.stderr.as_bytes());
    whole.extend(output.stdout.as_bytes());
    world.home.age(CLOUD, 3500);
    let refreshed = world.astro("auth token --verbose").printing_a_token().run();
    whole.extend(refreshed.stderr.as_bytes());
    let logout = world.astro("logout --verbose").run();
    whole.extend(logout.stderr.as_bytes());

    let issued = world.domains.servers.issued().unwrap();
    assert!(issued.len() >= 4, "{}", issued.len());
    for secret in &issued {
        assert!(!contains(&whole, secret), "a token was seen");
    }
    for server in ["login", "api", "houston"] {
        for request in world.domains.servers.requests(server).unwrap() {
            let url = format!("{}{}", request["path"], request["query"]);
            assert!(issued.iter().all(|secret| !url.contains(secret.as_str())), "in {url}");
            if request["path"] == "/oauth/token" && request["body"]["code_verifier"].is_string() {
                let verifier = request["body"]["code_verifier"].as_str().unwrap();
                assert!(!contains(&whole, verifier), "the code verifier was seen");
            }
        }
    }
}

#[test]
fn a_password_reaches_nothing_but_houston() {
    let world = World::new();
    let login = world.astro("login software.example --verbose").stdin("ada@example.com\nengine\n");
    let output = login.run();
    output.ok();
    let printed = output.stderr.replace("Analytical Engine", "");
    assert!(!printed.contains("engine"), "{printed}");
    let stored = fs::read_to_string(world.home.credentials_file()).unwrap();
    assert!(!stored.contains("\"engine\""), "{stored}");
}
