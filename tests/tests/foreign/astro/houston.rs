//! Houston, and the app beside it.

use astropass_tests::client;
use astropass_tests::foreign::{Foreign, Visitor};
use astropass_tests::server::CANARY;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::{SHARED, answer, claims};

const AUTH_CONFIG: &str = "query GetAuthConfig($redirect:String){authConfig(redirect:$redirect)\
    {localEnabled publicSignup initialSignup providers{name displayName url}}}";
const CREATE_TOKEN: &str = "mutation createBasicToken($identity:String,$password:String!)\
    {createToken(identity:$identity,password:$password)\
    {user{id fullName username status createdAt updatedAt} token{value}}}";
const WORKSPACES: &str = "{workspaces{id label}}";

fn ask(server: &Foreign, query: &str, variables: &Value, authorization: &str) -> (u16, Value) {
    let call = client::post(&format!("{}/v1", server.fact("houston")));
    let call = call.json(&json!({"query": query, "variables": variables}));
    answer(if authorization.is_empty() { call } else { call.header(AUTHORIZATION, authorization) })
}

fn sign_in(server: &Foreign, identity: &str, password: &str) -> (u16, Value) {
    ask(server, CREATE_TOKEN, &json!({"identity": identity, "password": password}), "")
}

/// HTTP 200, a message and a code.
#[track_caller]
fn assert_error((status, answer): (u16, Value), message: &str, code: &str) {
    let error = &answer["errors"][0];
    assert_eq!((status, &error["message"]), (200, &json!(message)), "{answer}");
    assert_eq!(error["extensions"]["code"], code);
}

const NO_PERMISSION: &str = "You do not have the appropriate permissions for that";

#[test]
fn how_to_sign_in() {
    let (status, config) = ask(&SHARED, AUTH_CONFIG, &json!({"redirect": "https://x.example"}), "");
    let provider = json!({
        "name": "google",
        "displayName": "Google",
        "url": format!("{}/login/google?redirect=https%3A%2F%2Fx.example", SHARED.fact("app")),
    });
    let config_expected = json!({
        "localEnabled": true,
        "publicSignup": false,
        "initialSignup": false,
        "providers": [provider],
    });
    assert_eq!((status, &config["data"]["authConfig"]), (200, &config_expected));

    let server = Foreign::astro(&json!({"local_enabled": false, "providers": []})).unwrap();
    let (_, config) = ask(&server, AUTH_CONFIG, &json!({}), "");
    assert_eq!(config["data"]["authConfig"]["localEnabled"], false);
    assert_eq!(config["data"]["authConfig"]["providers"], json!([]));
    let refused = sign_in(&server, "ada@example.com", "engine");
    assert_error(refused, "Invalid authentication provider", "INTERNAL_SERVER_ERROR");
}

#[test]
fn password_and_token() {
    let (status, answer) = sign_in(&SHARED, "grace@example.com", "nanosecond");
    assert_eq!(status, 200, "{answer}");
    let user = &answer["data"]["createToken"]["user"];
    assert_eq!(user["fullName"], "Grace Hopper");
    assert_eq!(user["status"], "active");
    let token = answer["data"]["createToken"]["token"]["value"].as_str().unwrap();
    assert!(
        token.contains(CANARY) && SHARED.issued().unwrap().iter().any(|issued| issued == token)
    );
    assert_eq!(
        claims(token)["exp"].as_i64().unwrap() - claims(token)["iat"].as_i64().unwrap(),
        86_400
    );

    let (_, answer) = ask(&SHARED, WORKSPACES, &Value::Null, token);
    let labels = ["COBOL", "FLOW-MATIC", "Mark I"];
    let workspaces = answer["data"]["workspaces"].as_array().unwrap();
    assert!(workspaces.iter().map(|one| &one["label"]).eq(&labels.map(Value::from)));
    assert!(workspaces.iter().all(|one| one["id"].is_string()));
    for (user, count) in [("alan", 0), ("ada", 1)] {
        let token = SHARED.houston_token(user, 60).unwrap();
        let (_, answer) = ask(&SHARED, WORKSPACES, &Value::Null, &token);
        assert_eq!(answer["data"]["workspaces"].as_array().unwrap().len(), count);
    }
}

#[test]
fn its_words() {
    let wrong = "Invalid password and username combination";
    assert_error(sign_in(&SHARED, "ada@example.com", "x"), wrong, "INTERNAL_SERVER_ERROR");
    assert_error(sign_in(&SHARED, "rob@example.com", "banned"), wrong, "INTERNAL_SERVER_ERROR");
    let unknown = "The requested resource was not found";
    assert_error(sign_in(&SHARED, "nobody@example.com", "x"), unknown, "RESOURCE_NOT_FOUND");
    let pending = "Your account is awaiting email confirmation";
    assert_error(sign_in(&SHARED, "kay@example.com", "eniac"), pending, "ACCOUNT_NOT_CONFIRMED");
    let oauth = "No password credentials found";
    assert_error(sign_in(&SHARED, "edsger@example.com", "x"), oauth, "UNAUTHENTICATED");
}

#[test]
fn only_with_its_token_and_without_bearer() {
    let token = SHARED.houston_token("ada", 60).unwrap();
    assert_eq!(ask(&SHARED, WORKSPACES, &Value::Null, &token).1.get("errors"), None);
    for wrong in
        ["", "made-up", &format!("Bearer {token}"), &SHARED.cloud_token("ada", 60).unwrap()]
    {
        let refused = ask(&SHARED, WORKSPACES, &Value::Null, wrong);
        assert_error(refused, NO_PERMISSION, "FORBIDDEN");
    }
    let expired = SHARED.houston_token("ada", -1).unwrap();
    let refused = ask(&SHARED, WORKSPACES, &Value::Null, &expired);
    assert_error(refused, "AUTH_TOKEN_REFRESH_FAILED", "UNAUTHENTICATED");
}

#[test]
fn documents_that_are_not_of_its_schema() {
    for (query, code) in [
        ("{workspaces{id name}}", "GRAPHQL_VALIDATION_FAILED"),
        ("{authConfig(redirct:\"x\"){localEnabled}}", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation{createToken(identity:\"x\"){token{value}}}", "GRAPHQL_VALIDATION_FAILED"),
        ("{workspaces{id label}", "GRAPHQL_PARSE_FAILED"),
        (CREATE_TOKEN, "BAD_USER_INPUT"),
    ] {
        let (status, answer) = ask(&SHARED, query, &json!({}), "");
        assert_eq!(status, 400, "{query}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
    }
    let form =
        client::post(&format!("{}/v1", SHARED.fact("houston"))).form([("query", WORKSPACES)]);
    assert_eq!(answer(form).0, 400);
    assert_eq!(answer(client::get(&format!("{}/v1", SHARED.fact("houston")))).0, 405);
}

#[test]
fn the_page_that_gives_a_token() {
    let page = format!("{}/token", SHARED.fact("app"));
    let visit = Visitor::default().named("grace").visit(&page).unwrap();
    assert_eq!((visit.callback, &*visit.pages[0].title), (None, "Your token"));
    let token = visit.pages[0].text.strip_prefix("Your token ").unwrap();
    let (_, answer) = ask(&SHARED, WORKSPACES, &Value::Null, token);
    assert_eq!(answer["data"]["workspaces"][0]["label"], "COBOL");
    let error = Visitor::default().named("nobody").visit(&page).unwrap_err().to_string();
    assert!(error.contains("Unknown user"), "{error}");
}
