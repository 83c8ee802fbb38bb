//! Servers that fail in the middle of `astro login`.

use serde_json::json;

use super::{CLOUD, RegisteredPort, World, in_browser};

#[test]
fn a_login_whose_workspaces_cannot_be_had_is_kept_and_says_so() {
    let world = World::with(&json!({"faults": [
        {"server": "api", "path": "/v1/users/self", "status": 503, "body": "<h1>down</h1>"},
    ]}));
    let token = world.domains.servers.cloud_token("ada", 3600).unwrap();
    let output = world.astro("login -t -").stdin(format!("{token}\n")).run();
    output.failed(6);
    assert!(output.stderr.contains("You are signed in"), "{output:?}");
    world.domains.servers.set(&json!({"faults": []})).unwrap();
    world.astro("workspace switch Production").run().ok();
}

#[test]
fn a_lookup_that_fails_does_not_keep_anybody_from_signing_in() {
    let world = World::with(&json!({"faults": [
        {"server": "api", "path": "/hub/organization-lookup", "status": 500, "body": "<h1>500</h1>"},
    ]}));
    let (output, _) = in_browser(&world, "login --email ada@example.com", &world.domains.visitor());
    output.ok();
    assert!(output.stderr.contains("The organization is not known yet"), "{output:?}");
}

#[test]
fn a_domain_where_there_is_no_astro_says_so() {
    let world = World::with(&json!({"faults": [
        {"server": "api", "status": 200, "body": "<html>parked</html>"},
    ]}));
    let output = world.astro("login --email ada@example.com").run();
    assert!(output.failed(6).contains("There is no Astro at astronomer.io"), "{output:?}");
}

#[test]
fn a_token_endpoint_that_fails_ends_the_login_and_the_page_tells_the_truth() {
    let world = World::with(&json!({"faults": [
        {"server": "login", "path": "/oauth/token", "status": 503, "body": "<h1>down</h1>"},
    ]}));
    let (output, visit) =
        in_browser(&world, "login --email ada@example.com", &world.domains.visitor());
    output.failed(6);
    let page = visit.pages.last().unwrap();
    assert!(page.text.contains("You are not signed in"), "{page:?}");
    world.nobody_is_signed_in();
}

#[test]
fn a_failed_login_leaves_the_earlier_session_as_it_was() {
    let world = World::with(&json!({})).with_token("ada");
    let before = world.context(CLOUD);
    world
        .domains
        .servers
        .set(&json!({"faults": [
            {"server": "login", "path": "/oauth/token", "status": 503, "body": "down"},
        ]}))
        .unwrap();
    let (output, _) = in_browser(&world, "login --email ada@example.com", &world.domains.visitor());
    output.failed(6);
    assert_eq!(world.context(CLOUD)["session"], before["session"]);
}

#[test]
fn a_second_login_at_once_is_told_that_the_port_is_taken_and_how_to_go_on() {
    let world = World::new();
    let _port = RegisteredPort::hold().unwrap();
    let args = "login --email ada@example.com --login-link --json";
    let mut first = world.astro(args).start();
    first.prompt();
    let second = world.astro("login --email ada@example.com").run();
    assert!(second.failed(1).contains("--login-link"), "{second:?}");
    first.interrupt();
    assert_eq!(first.finish().code, Some(130));
}

#[test]
fn a_server_whose_ca_is_unknown_says_how_to_give_it() {
    let (world, other) = (World::new(), World::with(&json!({})));
    let login = world.astro("login software.example -o");
    let output = login.env("SSL_CERT_FILE", other.domains.ca_file()).run();
    assert!(output.failed(6).contains("--ca-file"), "{output:?}");
    assert!(!output.stderr.contains("There is no"), "{output:?}");
}

#[test]
fn what_to_do_next_is_something_that_astro_can_do() {
    let refused = json!({"faults": [
        {"server": "api", "path": "/v1/users/self", "status": 403, "body": "{\"message\":\"no\"}"},
    ]});
    let world = World::with(&json!({})).with_token("ada");
    world.domains.servers.set(&refused).unwrap();
    let output = world.astro("workspace list").run();
    output.failed(6);
    assert!(!output.stderr.contains("--client-id"), "{output:?}");
    let denying = world.domains.visitor().denying();
    let (output, _) = in_browser(&world, "login --email ada@example.com", &denying);
    assert!(output.failed(5).contains("'astro login astronomer.io'"), "{output:?}");
}
