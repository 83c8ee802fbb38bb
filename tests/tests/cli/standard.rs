//! A standard provider, by discovery.

use std::time::Duration;

use astropass_tests::server::{Approval, Dialect, Endpoint, Options};
use serde_json::{Value, json};

use super::{CLIENT, NOT_LOGGED_IN, SESSION_OVER, World, eager};

fn login(world: &World, args: &str) -> astropass_tests::ast::Ast {
    let issuer = format!("{}/tenant", world.server.url());
    world.ast(&format!("login --issuer {issuer} --client-id {CLIENT} {args}"))
}

/// The issuer has a path, so that the well-known documents are where RFC 8414 and OpenID Connect
/// Discovery each want them.
fn options() -> Options {
    Options { issuer_path: "/tenant".to_owned(), ..eager() }
}

fn grace() -> Approval {
    Approval { user: Some("grace@example.com".to_owned()), organization: None }
}

fn scopes(world: &World) -> Vec<String> {
    let events = world.server.events().into_iter();
    let starts = events.filter(|event| event.endpoint == Endpoint::DeviceAuthorization);
    starts.map(|mut event| event.params.remove("scope").unwrap_or_default()).collect()
}

#[test]
fn a_standard_provider_from_login_to_logout() {
    let world = World::new(options());
    let url = world.server.url();
    let output = world.log_in(login(&world, &format!("--server {url} --scope openid")).args([
        "--scope",
        "email",
        "--scope",
        "offline_access",
    ]));
    output.ok();
    let signed_in = &output.json()[1];
    assert_eq!(signed_in["user"]["id"], "user_ada");
    assert_eq!(signed_in["user"]["email"], "ada@example.com");
    let found = [Endpoint::OauthMetadata, Endpoint::OpenidConfiguration];
    assert!(found.iter().all(|endpoint| world.requests(*endpoint).len() == 1));

    let whoami = world.ast("whoami --json").run();
    assert_eq!(whoami.json()[0]["provider"], format!("{url}/tenant"));
    assert_eq!(whoami.json()[0]["server"], url);
    world.ast("api /api/v1/me").run().ok();
    world.home.age("default", 301);
    world.ast("api /api/v1/me").run().ok();
    assert_eq!(world.refreshes(), 1);

    // The next login needs no options.
    let output = world.log_in(world.ast("login"));
    output.ok();
    assert_eq!(scopes(&world), ["openid email offline_access"; 2]);
    // The same user's older session may be one grant with the new one, so it is left alone.
    assert_eq!(world.requests(Endpoint::Revocation), []);

    let mut login = world.ast("login --json --no-browser").start();
    let prompt = login.prompt();
    world.server.approve(prompt["user_code"].as_str().unwrap(), &grace()).unwrap();
    login.finish().ok();
    let revoked = vec![(200, "revoked".to_owned())];
    assert_eq!(world.requests(Endpoint::Revocation), revoked, "another user's");

    let output = world.ast("logout --json").run();
    assert_eq!(output.json()[0]["revocation"], "confirmed");
    let revocations = world.requests(Endpoint::Revocation);
    assert_eq!(revocations, [revoked.clone(), revoked].concat());
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN);
    assert!(world.server.events().iter().all(|event| event.dialect == Dialect::Standard));
}

#[test]
fn an_api_server_is_optional_with_a_standard_provider() {
    let world = World::new(options());
    let mut login = login(&world, "--json --no-browser").start();
    let prompt = login.prompt();
    world.server.approve(prompt["user_code"].as_str().unwrap(), &grace()).unwrap();
    let output = login.finish();
    output.ok();
    assert_eq!(output.json()[1]["user"]["name"], "Grace Hopper");
    assert_eq!(output.json()[1]["account"], Value::Null);
    assert_eq!(scopes(&world), ["openid profile email offline_access"]);
    assert_eq!(world.requests(Endpoint::Me), []);

    let output = world.ast("api /api/v1/me").run();
    assert!(output.failed(2).contains("--server"), "{output}");
    let output = world.ast("account list").run();
    assert!(output.failed(2).contains("--server"), "{output}");
    assert_eq!(world.ast("whoami --json").run().json()[0]["server"], Value::Null);
}

#[test]
fn a_session_without_a_refresh_token_ends_with_its_access_token() {
    let access_token_ttl = Duration::from_secs(3600);
    let world = World::new(Options { access_token_ttl, ..options() });
    world.log_in(login(&world, "--scope openid")).ok();
    world.home.age("default", 3320);
    let output = world.ast("token").printing_a_token().run();
    assert_eq!(output.stderr, "", "close to its end it is used");
    output.ok();
    world.home.age("default", 281);
    assert_eq!(world.ast("token").run().failed(4), SESSION_OVER);
}

#[test]
fn an_endpoint_given_by_hand_fills_a_gap_and_is_remembered() {
    let world = World::new(options());
    world.server.configure(|options| {
        // With the other one it would go through a browser.
        for name in ["device_authorization_endpoint", "authorization_endpoint"] {
            options.metadata.insert(name.to_owned(), Value::Null);
        }
    });
    let output = login(&world, "").run();
    let error = output.failed(2);
    assert!(error.contains("device_authorization"), "{error}");
    assert!(error.ends_with("Give it with --endpoint NAME=URL."), "{error}");

    let url = format!("{}/tenant/device_authorization", world.server.url());
    let by_hand = format!("--endpoint device_authorization={url}");
    world.log_in(login(&world, &by_hand)).ok();
    world.ast("logout").run().ok();
    let refused = "device-authorization:1:status=503".parse().unwrap();
    world.server.fault(refused);
    assert_eq!(world.ast("login").run().code, Some(6), "it got as far as that endpoint");
}

#[test]
fn a_server_with_another_name_than_the_one_asked_for_is_refused() {
    let world = World::new(options());
    world.server.configure(|options| {
        options.metadata.insert("issuer".to_owned(), json!("https://evil.example"));
    });
    let output = login(&world, "").run();
    let error = output.failed(6);
    assert!(error.contains("calls itself \"https://evil.example\""), "{error}");
    assert_eq!(world.requests(Endpoint::DeviceAuthorization), []);
}

#[test]
fn a_server_without_metadata_is_used_with_its_endpoints_given_by_hand() {
    let world =
        World::new(Options { oauth_metadata: false, openid_configuration: false, ..options() });
    let output = login(&world, "").run();
    assert_eq!(output.code, Some(6), "{output}");
    let url = format!("{}/tenant", world.server.url());
    let endpoints = format!(
        "--endpoint device_authorization={url}/device_authorization --endpoint token={url}/token"
    );
    let output = world.log_in(login(&world, &endpoints));
    output.ok();
    assert_eq!(output.json()[1]["user"]["id"], "user_ada", "from the ID token");

    // Some servers answer so where there is nothing.
    world.server.fault("oauth-metadata:*:status=500".parse().unwrap());
    world.log_in(login(&world, &endpoints)).ok();
    let doctor = world.ast("doctor").run();
    assert!(doctor.stdout.contains("no metadata, and its endpoints were set by hand"), "{doctor}");
}
