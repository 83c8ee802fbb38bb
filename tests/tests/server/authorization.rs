use std::time::Duration;

use astropass_tests::client::{Call, get, post};
use astropass_tests::person::Person;
use astropass_tests::server::{Approval, Client, Options, Server};
use http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use serde_json::Value;

use crate::{CLIENT, assert_error, claims, me, refresh, start, text};

const CALLBACK: &str = "http://127.0.0.1:7001/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn url(server: &Server, change: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("scope", "openid offline_access"),
        ("state", "a b&c"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    fields.retain(|(name, _)| change.iter().all(|(changed, _)| changed != name));
    fields.extend(change.iter().filter(|(_, value)| !value.is_empty()));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{}/authorize?{query}", server.issuer())
}

/// The parameters of a redirect to `CALLBACK`.
fn answer(location: &str) -> Value {
    let query = location.strip_prefix(CALLBACK).and_then(|rest| rest.strip_prefix('?'));
    let query = query.unwrap_or_else(|| panic!("a redirect to {location}"));
    form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn redeem(server: &Server, code: &str, change: &[(&str, &str)]) -> Call {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
    ];
    fields.retain(|(name, _)| change.iter().all(|(changed, _)| changed != name));
    fields.extend(change.iter().filter(|(_, value)| !value.is_empty()));
    post(&format!("{}/token", server.issuer())).form(fields)
}

fn code(server: &Server) -> String {
    let location = Person::default().visit(&url(server, &[])).unwrap();
    text(&answer(&location), "code").to_owned()
}

#[test]
fn a_person_approves_and_the_code_is_worth_tokens_once() {
    let server = start(Options::default());
    let account = vec!["Grace".to_owned(), "Navy".to_owned()];
    let person = Person { account, ..Person::default() };
    let answer = answer(&person.visit(&url(&server, &[])).unwrap());
    assert_eq!((text(&answer, "state"), text(&answer, "iss")), ("a b&c", server.issuer()));
    let code = text(&answer, "code");
    let tokens = redeem(&server, code, &[]).send().unwrap().json();
    let access = text(&tokens, "access_token");
    assert_eq!(text(&claims(access), "sub"), "user_grace");
    assert_eq!(me(&server, access).status(), 200);
    assert!(server.issued().iter().any(|secret| secret == code));
    // RFC 6749 section 4.1.2
    assert_error(redeem(&server, code, &[]), 400, "invalid_grant");
    assert_eq!(me(&server, access).status(), 401);
    assert_error(refresh(&server, text(&tokens, "refresh_token")), 400, "invalid_grant");
}

#[test]
fn a_person_denies() {
    let server = start(Options::default());
    let person = Person { denies: true, ..Person::default() };
    let answer = answer(&person.visit(&url(&server, &[])).unwrap());
    assert_eq!((text(&answer, "error"), text(&answer, "state")), ("access_denied", "a b&c"));
    assert!(answer.get("code").is_none());
}

#[test]
fn a_code_is_for_one_client_one_redirect_uri_one_verifier_and_a_minute() {
    let clients = ["client_test", "other"].map(|id| Client::new(id, id)).to_vec();
    let server = start(Options { clients, ..Options::default() });
    let code = code(&server);
    for wrong in [
        ("client_id", "other"),
        ("redirect_uri", "http://127.0.0.1:7001/"),
        ("redirect_uri", ""),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"),
    ] {
        assert_error(redeem(&server, &code, &[wrong]), 400, "invalid_grant");
    }
    assert_error(redeem(&server, &code, &[("code_verifier", "")]), 400, "invalid_request");
    server.advance(Duration::from_secs(61));
    assert_error(redeem(&server, &code, &[]), 400, "invalid_grant");
}

#[test]
fn nobody_is_sent_where_the_client_did_not_ask_for() {
    let mut client = Client::new(CLIENT, "Test Terminal");
    client.redirect_uris.push(CALLBACK.to_owned());
    let strict = start(Options { clients: vec![client], ..Options::default() });
    let loopback = start(Options::default());
    for (server, uri) in [
        (&strict, "http://127.0.0.1:7002/callback"),
        (&loopback, "https://evil.example/callback"),
        (&loopback, "http://127.0.0.1@evil.example/"),
        (&loopback, "http://127.0.0.1.evil.example/"),
        (&loopback, "http://127.0.0.1/#fragment"),
    ] {
        let page = get(&url(server, &[("redirect_uri", uri)])).send().unwrap();
        assert_eq!((page.status().as_u16(), page.header(&LOCATION)), (400, None), "{uri}");
    }
    assert_eq!(get(&url(&strict, &[])).send().unwrap().status(), 200);
    assert_eq!(get(&url(&loopback, &[("client_id", "no")])).send().unwrap().status(), 400);
}

#[test]
fn what_is_wrong_with_the_rest_is_told_to_the_client() {
    let server = start(Options::default());
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("scope", "everything"), "invalid_scope"),
    ] {
        let reply = get(&url(&server, &[change])).send().unwrap();
        assert_eq!(reply.status(), 303, "{change:?}");
        let answer = answer(reply.header(&LOCATION).unwrap());
        assert_eq!((text(&answer, "error"), text(&answer, "state")), (error, "a b&c"));
    }
}

#[test]
fn the_page_says_who_asks_and_lets_the_form_lead_back() {
    let server = start(Options::default());
    let hints = [("login_hint", "grace@example.com"), ("organization", "org_navy")];
    let page = get(&url(&server, &hints)).send().unwrap();
    let html = page.text();
    for wanted in [
        "Test Terminal",
        "http://127.0.0.1:7001<",
        "openid offline_access",
        r#"value="user_grace org_navy" checked"#,
    ] {
        assert!(html.contains(wanted), "{wanted}");
    }
    assert!(!html.contains("<script") && !html.contains(CHALLENGE));
    let policy = page.header(&CONTENT_SECURITY_POLICY).unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:7001;"), "{policy}");
}

#[test]
fn the_callback_can_lie() {
    let mut options = Options { auto_approve: Some(Approval::default()), ..Options::default() };
    options.callback.insert("iss".to_owned(), Value::from("https://evil.example"));
    options.callback.insert("state".to_owned(), Value::Null);
    let server = start(options);
    let reply = get(&url(&server, &[])).send().unwrap();
    let answer = answer(reply.header(&LOCATION).unwrap());
    assert_eq!(text(&answer, "iss"), "https://evil.example");
    assert!(answer.get("state").is_none() && answer.get("code").is_some());
}

#[test]
fn workos_takes_no_redirect_uri_for_the_code_and_names_no_issuer() {
    let server = start(Options::default());
    let url = url(&server, &[("scope", ""), ("provider", "authkit")]);
    let url = url.replace("/authorize", "/user_management/authorize");
    let answer = answer(&Person::default().visit(&url).unwrap());
    assert!(answer.get("iss").is_none());
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", text(&answer, "code")),
        ("code_verifier", VERIFIER),
    ];
    let authenticate = format!("{}/user_management/authenticate", server.url());
    let tokens = post(&authenticate).form(fields).send().unwrap().json();
    assert_eq!(tokens["user"]["email"], "ada@example.com");
    assert!(tokens["refresh_token"].is_string());
}
