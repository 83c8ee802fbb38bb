//! The cloud's login server.

use astropass_tests::client;
use astropass_tests::foreign::{Foreign, Visit, Visitor};
use astropass_tests::server::CANARY;
use serde_json::{Value, json};

use super::{SHARED, answer, claims, get, last_request};

const REDIRECT_URI: &str = "http://localhost:12345/callback";

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The link of a client, as protocols have it, with some parameters added or replaced.
pub(super) fn link(server: &Foreign, changes: &[(&str, &str)]) -> String {
    let parameters = [
        ("prompt", "login"),
        ("audience", server.fact("audience")),
        ("client_id", server.fact("client_id")),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid profile email offline_access"),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "the-state"),
    ];
    let kept = parameters.into_iter().filter(|(name, _)| changes.iter().all(|(n, _)| n != name));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).extend_pairs(changes);
    format!("{}authorize?{}", server.fact("login"), query.finish())
}

/// The parameters of the callback that the person was led to.
fn callback(visit: &Visit) -> Value {
    let callback = visit.callback.as_deref().unwrap();
    let (address, query) = callback.split_once('?').unwrap();
    assert_eq!(address, REDIRECT_URI);
    form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name, Value::from(value)))
        .collect()
}

fn token(server: &Foreign, fields: &[(&str, &str)]) -> (u16, Value) {
    let call = client::post(&format!("{}oauth/token", server.fact("login")));
    let fields =
        [("client_id", server.fact("client_id"))].into_iter().chain(fields.iter().copied());
    answer(call.form(fields))
}

fn exchange(server: &Foreign, code: &str) -> (u16, Value) {
    let grant = ("grant_type", "authorization_code");
    let redirect = ("redirect_uri", REDIRECT_URI);
    token(server, &[grant, redirect, ("code", code), ("code_verifier", VERIFIER)])
}

fn refresh(server: &Foreign, refresh_token: &str) -> (u16, Value) {
    token(server, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
}

/// The tokens of somebody who has signed in.
fn tokens(server: &Foreign, name: &str) -> Value {
    let visit = Visitor::default().named(name).staying().visit(&link(server, &[])).unwrap();
    let (status, tokens) = exchange(server, callback(&visit)["code"].as_str().unwrap());
    assert_eq!(status, 200, "{tokens}");
    tokens
}

fn userinfo(server: &Foreign, token: &Value) -> (u16, Value) {
    answer(get(server, "login", "userinfo").bearer(token.as_str().unwrap()))
}

#[test]
fn signed_in_with_all_that_the_link_says() {
    let changes = [("organization", "org_compilers"), ("login_hint", "grace@example.com")];
    let visit = Visitor::default().staying().visit(&link(&SHARED, &changes)).unwrap();
    assert!(!visit.denied && visit.pages.is_empty());
    let parameters = callback(&visit);
    assert_eq!((&parameters["state"], parameters.get("iss")), (&json!("the-state"), None));

    let (status, tokens) = exchange(&SHARED, parameters["code"].as_str().unwrap());
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "openid profile email offline_access");
    assert!(tokens["refresh_token"].as_str().unwrap().starts_with(&format!("v1.{CANARY}")));
    let access_token = tokens["access_token"].as_str().unwrap();
    assert!(access_token.contains(CANARY), "{access_token}");
    let said = claims(access_token);
    assert_eq!(said["aud"][0], "astronomer-ee");
    assert_eq!(said["iss"], SHARED.fact("login"));
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 3600);
    let issued = SHARED.issued().unwrap();
    for name in ["access_token", "refresh_token", "id_token"] {
        assert!(issued.iter().any(|token| tokens[name] == **token), "{name}");
    }

    // The hint stood in the field for the name.
    let user = json!({
        "sub": "auth0|grace",
        "email": "grace@example.com",
        "email_verified": true,
        "name": "Grace Hopper",
    });
    assert_eq!(userinfo(&SHARED, &tokens["access_token"]), (200, user));
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["sub"], "auth0|grace");
}

#[test]
fn what_was_asked_can_be_seen() {
    let server = Foreign::astro(&json!({})).unwrap();
    let changes = [("organization", "org_navy"), ("login_hint", "ada@example.com")];
    Visitor::default().named("grace").staying().visit(&link(&server, &changes)).unwrap();
    assert_eq!(last_sign_in(&server)["login"], "grace");
    let request = last_request(&server, "login", "/authorize");
    assert_eq!(request["query"]["prompt"], "login");
    assert_eq!(request["query"]["audience"], "astronomer-ee");
    assert_eq!(request["query"]["organization"], "org_navy");
    assert_eq!(request["query"]["login_hint"], "ada@example.com");

    assert_eq!(exchange(&server, "no-code").0, 403);
    let request = last_request(&server, "login", "/oauth/token");
    assert_eq!(request["status"], 403);
    assert_eq!(request["body"]["code_verifier"], VERIFIER);
    assert_eq!(request["headers"]["content-type"], "application/x-www-form-urlencoded");
}

#[test]
fn refused_links() {
    for (name, value, said) in [
        ("audience", "another", "Service not found: another"),
        ("organization", "org_unknown", "parameter organization is invalid"),
    ] {
        let visit = Visitor::default().staying().visit(&link(&SHARED, &[(name, value)])).unwrap();
        let parameters = callback(&visit);
        assert_eq!(parameters["error"], "invalid_request");
        assert_eq!(parameters["error_description"], said);
        assert_eq!(parameters["state"], "the-state");
    }
    let elsewhere = link(&SHARED, &[("redirect_uri", "http://localhost:12346/callback")]);
    let error = Visitor::default().visit(&elsewhere).unwrap_err().to_string();
    assert!(error.contains("the last page says 400") && error.contains("redirect_uri"), "{error}");
    let plain = link(&SHARED, &[("code_challenge_method", "plain")]);
    let visit = Visitor::default().staying().visit(&plain).unwrap();
    assert_eq!(callback(&visit)["error"], "invalid_request");
}

#[test]
fn denied() {
    let visit = Visitor::default().denying().staying().visit(&link(&SHARED, &[])).unwrap();
    assert!(visit.denied);
    assert_eq!(callback(&visit)["error"], "access_denied");
}

#[test]
fn codes_are_for_once_and_need_their_verifier() {
    let visit = Visitor::default().staying().visit(&link(&SHARED, &[])).unwrap();
    let code = callback(&visit)["code"].as_str().unwrap().to_owned();
    assert_eq!(exchange(&SHARED, &code).0, 200);
    let (status, error) = exchange(&SHARED, &code);
    assert_eq!((status, &error["error"]), (403, &json!("invalid_grant")));

    let visit = Visitor::default().staying().visit(&link(&SHARED, &[])).unwrap();
    let code = callback(&visit)["code"].as_str().unwrap().to_owned();
    let fields = [
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT_URI),
        ("code", &code),
        ("code_verifier", CHALLENGE),
    ];
    assert_eq!(token(&SHARED, &fields).1["error"], "invalid_grant");
}

#[test]
fn rotated_and_the_reuse_ends_it() {
    let first = tokens(&SHARED, "ada");
    let (status, second) = refresh(&SHARED, first["refresh_token"].as_str().unwrap());
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(userinfo(&SHARED, &second["access_token"]).0, 200);
    for old in [&first, &second] {
        let (status, error) = refresh(&SHARED, old["refresh_token"].as_str().unwrap());
        assert_eq!((status, &error["error"]), (403, &json!("invalid_grant")));
    }
    assert_eq!(userinfo(&SHARED, &second["access_token"]).0, 401);
}

#[test]
fn revoked() {
    let tokens = tokens(&SHARED, "ada");
    let revoke = client::post(&format!("{}oauth/revoke", SHARED.fact("login")));
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let fields = [("client_id", SHARED.fact("client_id")), ("token", refresh_token)];
    assert_eq!(answer(revoke.form(fields)).0, 200);
    assert_eq!(refresh(&SHARED, refresh_token).0, 403);
    assert_eq!(userinfo(&SHARED, &tokens["access_token"]).0, 401);
}

#[test]
fn switches() {
    let server = Foreign::astro(&json!({"userinfo_email": false, "callback_iss": true})).unwrap();
    let token = Value::from(server.cloud_token("grace", 60).unwrap());
    let (_, user) = userinfo(&server, &token);
    assert_eq!(user, json!({"sub": "auth0|grace", "name": "Grace Hopper"}));
    let visit = Visitor::default().staying().visit(&link(&server, &[])).unwrap();
    assert_eq!(callback(&visit)["iss"], server.fact("login"));
    let metadata = answer(get(&server, "login", ".well-known/openid-configuration")).1;
    assert_eq!(metadata["issuer"], server.fact("login"));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);

    let changes = json!({
        "userinfo_email": true,
        "callback_iss": false,
        "access_token_ttl": 7,
        "invalid_grant_status": 400,
        "faults": [{"server": "login", "path": "/userinfo", "status": 503, "body": "<h1>Busy", "times": 1}],
    });
    server.set(&changes).unwrap();
    let busy = get(&server, "login", "userinfo").bearer(token.as_str().unwrap()).send().unwrap();
    assert_eq!((busy.status().as_u16(), busy.text()), (503, "<h1>Busy".to_owned()));
    assert_eq!(userinfo(&server, &token).1["email"], "grace@example.com");
    assert_eq!(tokens(&server, "ada")["expires_in"], 7);
    assert_eq!(exchange(&server, "no-code").0, 400);
    let metadata = answer(get(&server, "login", ".well-known/openid-configuration")).1;
    assert_eq!(metadata.get("authorization_response_iss_parameter_supported"), None);
    let error = server.set(&json!({"acess_token_ttl": 7})).unwrap_err().to_string();
    assert!(error.contains("acess_token_ttl"), "{error}");

    let lost = json!({"faults": [{"path": "/oauth/token", "drop": true}]});
    server.set(&lost).unwrap();
    client::post(&format!("{}oauth/token", server.fact("login"))).send().unwrap_err();
}

#[test]
fn expired() {
    let server = &SHARED;
    let token = Value::from(server.cloud_token("ada", -1).unwrap());
    assert_eq!(userinfo(server, &token).0, 401);
    assert!(
        claims(token.as_str().unwrap())["exp"].as_i64()
            < claims(token.as_str().unwrap())["iat"].as_i64()
    );
}

pub(super) fn last_sign_in(server: &Foreign) -> Value {
    let requests = server.requests("login").unwrap();
    let is_sign_in = |request: &&Value| request["body"]["prompt"] == "login";
    requests.iter().rfind(is_sign_in).unwrap()["body"].clone()
}

#[test]
fn a_standard_server_without_a_device_endpoint() {
    let server = Foreign::oidc_provider(&json!({"device_flow": false})).unwrap();
    let metadata = answer(get(&server, "url", "/.well-known/openid-configuration")).1;
    assert_eq!(metadata.get("device_authorization_endpoint"), None);
    assert!(metadata["authorization_endpoint"].is_string());
}
