use std::time::Duration;

use astropass_tests::client::post;
use astropass_tests::server::{Approval, CANARY, Options, Undecidable};
use http::header::CACHE_CONTROL;
use serde_json::json;

use crate::{
    CLIENT, SECOND, assert_error, claims, device_request, eager, me, poll, sign_in, start, text,
};

#[test]
fn a_code_is_approved_once_and_gets_tokens_once() {
    let server = start(eager());
    let reply = device_request(&server, "openid offline_access").send().unwrap();
    assert_eq!(reply.header(&CACHE_CONTROL), Some("no-store"));
    let device = reply.json();
    let (code, user_code) = (text(&device, "device_code"), text(&device, "user_code"));
    assert_eq!(text(&device, "verification_uri"), format!("{}/device", server.url()));
    assert_eq!(
        text(&device, "verification_uri_complete"),
        format!("{}/device?user_code={user_code}", server.url())
    );
    assert_eq!((&device["expires_in"], &device["interval"]), (&json!(300), &json!(0)));
    assert_error(poll(&server, code), 400, "authorization_pending");

    // RFC 8628 section 6.1: case and hyphens do not matter.
    let typed = user_code.to_lowercase().replace('-', " ");
    server.approve(&typed, &Approval::default()).unwrap();
    assert_eq!(server.deny(user_code), Err(Undecidable::Decided));

    let tokens = poll(&server, code).send().unwrap().json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 300);
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 200);
    assert_error(poll(&server, code), 400, "invalid_grant");
    assert_eq!(server.stats().sign_ins, 1);
    assert_eq!(server.stats().polls, 3);
}

#[test]
fn scopes_decide_what_there_is_besides_the_access_token() {
    let server = start(eager());
    let bare = sign_in(&server, "projects");
    assert!(bare.get("refresh_token").is_none() && bare.get("id_token").is_none(), "{bare}");
    let full = sign_in(&server, "openid email offline_access");
    assert!(full["refresh_token"].is_string());
    let id = claims(text(&full, "id_token"));
    assert_eq!((&id["iss"], &id["aud"]), (&json!(server.issuer()), &json!(CLIENT)));
    assert_eq!(id["email"], "ada@example.com");
    assert!(id.get("name").is_none(), "profile was not asked for");
    assert_error(device_request(&server, "openid root"), 400, "invalid_scope");
}

#[test]
fn a_denied_code_and_an_expired_code_say_so() {
    let server = start(eager());
    let denied = device_request(&server, "").send().unwrap().json();
    server.deny(text(&denied, "user_code")).unwrap();
    assert_error(poll(&server, text(&denied, "device_code")), 400, "access_denied");

    let late = device_request(&server, "").send().unwrap().json();
    server.advance(300 * SECOND);
    assert_error(poll(&server, text(&late, "device_code")), 400, "expired_token");
    let approved = server.approve(text(&late, "user_code"), &Approval::default());
    assert_eq!(approved, Err(Undecidable::UnknownCode));
}

#[test]
fn a_poll_sooner_than_the_interval_costs_five_seconds() {
    let server = start(Options::default());
    let device = device_request(&server, "").send().unwrap().json();
    let code = text(&device, "device_code");
    assert_eq!(device["interval"], 5);
    assert_error(poll(&server, code), 400, "authorization_pending");
    server.advance(4 * SECOND);
    assert_error(poll(&server, code), 400, "slow_down");
    server.advance(6 * SECOND);
    assert_error(poll(&server, code), 400, "slow_down");
    server.advance(15 * SECOND);
    assert_error(poll(&server, code), 400, "authorization_pending");
    assert_eq!(server.stats().slow_downs, 2);
}

#[test]
fn without_an_interval_five_seconds_are_meant() {
    let server = start(Options { interval: None, ..Options::default() });
    let device = device_request(&server, "").send().unwrap().json();
    assert!(device.get("interval").is_none());
    let code = text(&device, "device_code");
    assert_error(poll(&server, code), 400, "authorization_pending");
    server.advance(Duration::from_secs(3));
    assert_error(poll(&server, code), 400, "slow_down");
}

#[test]
fn malformed_requests_get_the_error_the_rfc_names() {
    let server = start(eager());
    let authorize = format!("{}/device_authorization", server.url());
    let token = format!("{}/token", server.url());
    let form = "application/x-www-form-urlencoded";
    let body = |body: &'static str| post(&authorize).body(form, body);
    assert_error(body(""), 400, "invalid_request");
    assert_error(body("client_id=client_test&client_id=client_test"), 400, "invalid_request");
    assert_error(body("client_id=somebody"), 401, "invalid_client");
    let json = post(&authorize).json(&json!({"client_id": CLIENT}));
    assert_error(json, 400, "invalid_request");
    let body = |body: &'static str| post(&token).body(form, body);
    assert_error(body("client_id=client_test"), 400, "invalid_request");
    assert_error(body("client_id=client_test&grant_type=password"), 400, "unsupported_grant_type");
    assert_error(poll(&server, "made-up"), 400, "invalid_grant");
    assert_eq!(astropass_tests::client::get(&token).send().unwrap().status(), 405);
}

#[test]
fn auto_approval_needs_nobody() {
    let approval = Approval {
        user: Some("grace@example.com".to_owned()),
        organization: Some("org_navy".to_owned()),
    };
    let server = start(Options { auto_approve: Some(approval), ..eager() });
    let device = device_request(&server, "").send().unwrap().json();
    let tokens = poll(&server, text(&device, "device_code")).send().unwrap().json();
    let claims = claims(text(&tokens, "access_token"));
    assert_eq!((&claims["sub"], &claims["org_id"]), (&json!("user_grace"), &json!("org_navy")));
}

#[test]
fn every_secret_is_listed_and_carries_the_canary() {
    let server = start(eager());
    let tokens = sign_in(&server, "openid offline_access");
    let issued = server.issued();
    assert_eq!(issued.len(), 4, "device code, access, refresh and ID token");
    assert!(issued.iter().all(|secret| secret.contains(CANARY)));
    for name in ["access_token", "refresh_token", "id_token"] {
        assert!(issued.iter().any(|secret| secret == text(&tokens, name)), "{name}");
    }
    let journal = format!("{:?}", server.events());
    assert!(!journal.contains(CANARY), "the journal holds no secret");
}
