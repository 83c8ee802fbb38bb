//! `astro doctor`: the domain's provider is looked for as a login does, and nothing is a secret.

use astropass_tests::ast::Report;
use serde_json::{Value, json};

use super::{CLOUD, SOFTWARE, World};

/// `astro doctor` at the context or domain `name`, which ends with `code`.
#[track_caller]
fn doctor(world: &World, name: &str, code: i32) -> Report {
    let report = Report::of(world.astro("doctor").env("ASTRO_DOMAIN", name), code);
    assert_eq!(report["program"], "astro");
    report
}

#[test]
fn astro_doctor_finds_all_well_in_the_cloud() {
    let world = World::with(&json!({})).with_token("ada");
    let before = world.home.credentials();
    let report = doctor(&world, CLOUD, 0);
    // A token that was given cannot be refreshed.
    report.assert_ok_but(&["session"]);
    report.assert("session", "warning", "astronomer.io: signed in as a…@e….com");
    report.assert("provider", "ok", "https://auth.astronomer.io/ answers in ");
    report.assert("provider", "ok", "over TLS; the domain's API names it");
    report.assert("api_server", "ok", "https://api.astronomer.io/ answers in ");
    assert!(world.home.credentials() == before, "nothing is changed");
    let requests = world.domains.servers.requests("api").unwrap();
    let asked = requests.iter().rev().find(|request| request["method"] == "GET").unwrap();
    assert_eq!(asked["path"], "/hub/auth-config");
    assert!(asked["headers"].get("authorization").is_none(), "no token is sent: {asked}");
}

#[test]
fn astro_doctor_asks_houston_how_users_sign_in() {
    let world = World::with(&json!({})).with_password("ada@example.com", "engine");
    let report = doctor(&world, SOFTWARE, 0);
    let says = "users sign in with a password, or with a token of its token page";
    report.assert("provider", "ok", says);
    world.domains.servers.set(&json!({"providers": []})).unwrap();
    doctor(&world, SOFTWARE, 0).assert("provider", "ok", "users sign in with a password\"");
    world.domains.servers.set(&json!({"local_enabled": false})).unwrap();
    let report = doctor(&world, SOFTWARE, 0);
    report.assert("provider", "warning", "has no way to sign in");
    world.faults(&[json!({"server": "houston", "status": 200, "body": "<h1>parked</h1>"})]);
    let report = doctor(&world, SOFTWARE, 6);
    report.assert("provider", "failure", "https://houston.software.example/v1: ");
}

/// Nobody has signed in yet: the domain says where it would be.
#[test]
fn astro_doctor_of_a_domain_that_is_no_context() {
    let world = World::new();
    for domain in [CLOUD, SOFTWARE] {
        let report = doctor(&world, domain, 0);
        report.assert_ok_but(&["keyring", "session"]);
        report.assert("session", "warning", &format!("Run 'astro login {domain}'."));
    }
    let report = doctor(&world, "nowhere.example", 6);
    report.assert_ok_but(&["keyring", "session", "provider", "api_server", "clock"]);
    report.assert("provider", "failure", "https://houston.nowhere.example/v1: ");
}

/// The variable was well in one line, and could not be used in another one further down.
#[test]
fn a_domain_that_cannot_be_used_was_also_well() {
    let report = doctor(&World::new(), "software.example/path", 2);
    let of_environment = |check: &&Value| check["check"] == "environment";
    let checks: Vec<_> = report.checks().iter().filter(of_environment).collect();
    assert_eq!(checks.len(), 1, "{}", report.output);
    assert_eq!(checks[0]["status"], "failure");
    report.assert("session", "warning", "the domain cannot be used");
}

#[test]
fn a_login_server_that_is_another_than_the_contexts() {
    let world = World::with(&json!({})).with_token("ada");
    world.home.edit(CLOUD, |context| {
        context["provider"]["issuer"] = "https://login.astronomer.io/".into();
        context["session"]["issuer"] = "https://login.astronomer.io/".into();
    });
    let report = doctor(&world, CLOUD, 0);
    report.assert("provider", "warning", "https://auth.astronomer.io/ answers");
    report.assert("provider", "warning", "Run 'astro login astronomer.io' to take the new ones");
}

/// One of the two is down: the other one is looked at all the same.
#[test]
fn an_api_without_auth_config_and_a_login_server_that_is_down() {
    let world = World::with(&json!({})).with_token("ada");
    world.faults(&[json!({"server": "api", "status": 503, "body": "<h1>down</h1>"})]);
    let report = doctor(&world, CLOUD, 6);
    report.assert_ok_but(&["session", "provider", "api_server"]);
    report.assert("provider", "failure", "https://api.astronomer.io/: ");
    assert_eq!(report.check("provider")["issuer"], "https://auth.astronomer.io/");
    world.faults(&[json!({"server": "login", "status": 503, "body": "<h1>down</h1>"})]);
    let report = doctor(&world, CLOUD, 6);
    report.assert_ok_but(&["session", "provider"]);
    report.assert("provider", "failure", "https://auth.astronomer.io/: ");
}

#[test]
fn an_environment_that_cannot_be_used() {
    let world = World::new().with_token("ada");
    let report = doctor(&world, "no domain", 2);
    report.assert("environment", "failure", "In ASTRO_DOMAIN, ");
    for unknown in ["store", "session", "provider", "api_server"] {
        report.assert(unknown, "warning", "not known, because the domain cannot be used");
        report.assert(unknown, "warning", "See Environment above.");
    }
    report.output.assert_without(&["\"default"]);
    let token = world.astro("doctor").env("ASTRO_API_TOKEN", "two words");
    let report = Report::of(token, 2);
    report.assert("environment", "failure", "ASTRO_API_TOKEN is no token");
    let token = world.astro("doctor").env("ASTRO_API_TOKEN", "a-token-from-outside");
    let report = Report::of(token, 0);
    report.assert("environment", "warning", "and not the context's session");
    // Neither program looks at what the other one made.
    let ast = world.program("ast", "doctor --profile astronomer.io");
    let report = Report::of(ast.env("ASTRO_ISSUER", "http://127.0.0.1:1"), 2);
    report.assert("environment", "failure", "\"astronomer.io\\\" is a context of 'astro'");
}

#[test]
fn no_secret_is_in_it() {
    let world = World::with(&json!({})).with_password("ada@example.com", "engine");
    let world = world.with_token("ada");
    let (cloud, software) = (world.context(CLOUD), world.context(SOFTWARE));
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let mut secrets = world.domains.servers.issued().unwrap();
    secrets.extend([&cloud["organization"], &cloud["workspace"], &software["workspace"]].map(id));
    secrets.extend(cloud["session"]["subject"].as_str().map(str::to_owned));
    let others = ["from-outside", "bob", "p4ss", "ada@", "Lovelace", "Analytical", "Production"];
    secrets.extend(others.map(str::to_owned));
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    assert!(secrets.len() >= 12, "{}", secrets.len());

    let proxy = world.domains.proxy.url();
    let proxy = proxy.replace("http://", "http://bob:p4ss@");
    for down in [vec![], vec![json!({"status": 500, "body": "<h1>500</h1>"})]] {
        world.faults(&down);
        for domain in [CLOUD, SOFTWARE] {
            for args in ["doctor", "doctor --verbose", "doctor --json --verbose"] {
                let astro = world.astro(args).env("ASTRO_DOMAIN", domain);
                let astro = astro.env("ASTRO_API_TOKEN", "from-outside-0123");
                let output = astro.env("HTTPS_PROXY", &proxy).run();
                assert!(output.stdout.contains("answers in"), "it was looked at: {output}");
                output.assert_without(&secrets);
            }
        }
    }
}
