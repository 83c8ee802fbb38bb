use astropass_tests::client::{Call, get, post};
use astropass_tests::server::{Approval, Bodies, Options, Server};
use http::header::LOCATION;
use serde_json::{Value, json};

use crate::{CLIENT, DEVICE_GRANT, assert_error, claims, eager, me, start, text};

fn authorize(server: &Server) -> Call {
    let url = format!("{}/user_management/authorize/device", server.url());
    post(&url).json(&json!({"client_id": CLIENT}))
}

fn authenticate(server: &Server, mut body: Value) -> Call {
    body["client_id"] = json!(CLIENT);
    post(&format!("{}/user_management/authenticate", server.url())).json(&body)
}

fn poll(server: &Server, device: &Value) -> Call {
    let code = text(device, "device_code");
    authenticate(server, json!({"grant_type": DEVICE_GRANT, "device_code": code}))
}

fn refresh(server: &Server, tokens: &Value, organization: Option<&str>) -> Call {
    let token = text(tokens, "refresh_token");
    let body = json!({
        "grant_type": "refresh_token", "refresh_token": token, "organization_id": organization,
    });
    authenticate(server, body)
}

fn sign_in(server: &Server, organization: Option<&str>) -> Value {
    let device = authorize(server).send().unwrap().json();
    assert_error(poll(server, &device), 400, "authorization_pending");
    let approval = Approval { user: None, organization: organization.map(str::to_owned) };
    server.approve(text(&device, "user_code"), &approval).unwrap();
    poll(server, &device).send().unwrap().json()
}

#[test]
fn the_token_response_has_a_user_and_no_expiry() {
    let server = start(eager());
    let tokens = sign_in(&server, Some("org_engines"));
    let user = &tokens["user"];
    assert_eq!(
        (&user["id"], &user["email"], &user["first_name"], &user["last_name"]),
        (&json!("user_ada"), &json!("ada@example.com"), &json!("Ada"), &json!("Lovelace"))
    );
    assert_eq!(tokens["organization_id"], "org_engines");
    assert!(tokens.get("expires_in").is_none() && tokens.get("token_type").is_none());
    let claims = claims(text(&tokens, "access_token"));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    assert_eq!((&claims["org_id"], &claims["role"]), (&json!("org_engines"), &json!("admin")));
}

#[test]
fn a_refresh_switches_the_organization_if_the_user_is_a_member() {
    let server = start(eager());
    let tokens = sign_in(&server, None);
    assert!(claims(text(&tokens, "access_token")).get("org_id").is_none());
    let refused = refresh(&server, &tokens, Some("org_strangers")).send().unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.json()["code"], "not_organization_member");
    assert!(refused.json()["message"].is_string());

    let tokens = refresh(&server, &tokens, Some("org_navy")).send().unwrap().json();
    let switched = claims(text(&tokens, "access_token"));
    assert_eq!((&switched["org_id"], &switched["role"]), (&json!("org_navy"), &json!("member")));
    let tokens = refresh(&server, &tokens, None).send().unwrap().json();
    assert_eq!(claims(text(&tokens, "access_token"))["org_id"], "org_navy");
    let last = server.events().pop().unwrap();
    assert_eq!(last.params["refresh_token"], "<redacted>");
    assert_eq!(last.media_type.as_deref(), Some("application/json"));
}

#[test]
fn bodies_can_be_limited_to_json_or_to_forms() {
    let form = |server: &Server| {
        let url = format!("{}/user_management/authorize/device", server.url());
        post(&url).form([("client_id", CLIENT)])
    };
    let server = start(Options { workos_bodies: Bodies::Json, ..eager() });
    assert_eq!(authorize(&server).send().unwrap().status(), 200);
    assert_error(form(&server), 400, "invalid_request");
    server.configure(|options| options.workos_bodies = Bodies::Form);
    assert_error(authorize(&server), 400, "invalid_request");
    assert_eq!(form(&server).send().unwrap().status(), 200);
}

#[test]
fn errors_come_in_both_shapes() {
    let server = start(eager());
    let url = format!("{}/user_management/authorize/device", server.url());
    assert_error(post(&url).json(&json!({"client_id": "nobody"})), 400, "invalid_client");
    let number = post(&url).json(&json!({"client_id": 7})).send().unwrap();
    assert_eq!(
        (number.status().as_u16(), &number.json()["code"]),
        (422, &json!("unprocessable_entity"))
    );

    server.configure(|options| options.workos_organization_required = true);
    let device = authorize(&server).send().unwrap().json();
    server.approve(text(&device, "user_code"), &Approval::default()).unwrap();
    let reply = poll(&server, &device).send().unwrap();
    assert_eq!(reply.status(), 403);
    assert_eq!(reply.json()["code"], "organization_selection_required");
    assert_eq!(reply.json()["organizations"][0]["id"], "org_engines");
}

#[test]
fn sign_out_ends_the_session_of_the_access_token() {
    let server = start(eager());
    let tokens = sign_in(&server, None);
    let sid = claims(text(&tokens, "access_token"))["sid"].clone();
    let url = format!("{}/user_management/sessions/logout", server.url());
    assert_error(get(&url), 400, "invalid_request");
    let reply = get(&format!("{url}?session_id={}", sid.as_str().unwrap())).send().unwrap();
    assert_eq!((reply.status().as_u16(), reply.header(&LOCATION)), (302, Some("/")));
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 401);
    assert_error(refresh(&server, &tokens, None), 400, "invalid_grant");
    assert_eq!(server.stats().sign_outs, 1);
}

#[test]
fn the_dialects_do_not_take_each_others_tokens() {
    let server = start(eager());
    let tokens = sign_in(&server, None);
    let sent = text(&tokens, "refresh_token");
    assert_error(crate::refresh(&server, sent), 400, "invalid_grant");
    assert_eq!(refresh(&server, &tokens, None).send().unwrap().status(), 200);
}

#[test]
fn the_api_knows_accounts_projects_and_echoes() {
    let server = start(eager());
    let api = |path: &str| format!("{}/api/v1/{path}", server.url());
    let personal = sign_in(&server, None);
    let accounts = me(&server, text(&personal, "access_token")).json();
    let types: Vec<_> =
        accounts["accounts"].as_array().unwrap().iter().map(|a| text(a, "type")).collect();
    assert_eq!(types, ["personal", "organization", "organization"]);
    assert_eq!(accounts["accounts"][1]["workos_org_id"], "org_engines");

    let names = |tokens: &Value| {
        let call = get(&api("projects")).bearer(text(tokens, "access_token"));
        let rows = call.send().unwrap().json();
        let rows = rows["projects"].as_array().unwrap().clone();
        rows.iter().map(|row| text(row, "id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&personal), ["proj_1"]);
    let engines = refresh(&server, &personal, Some("org_engines")).send().unwrap().json();
    assert_eq!(names(&engines), ["proj_2", "proj_3"]);

    let token = text(&engines, "access_token");
    let echo = post(&api("echo?status=418&x=1")).bearer(token).json(&json!({"a": 1}));
    let reply = echo.send().unwrap();
    assert_eq!(reply.status(), 418);
    assert_eq!(
        (&reply.json()["method"], &reply.json()["body"]),
        (&json!("POST"), &json!("{\"a\":1}"))
    );
    assert!(!reply.text().contains(token), "credentials are not echoed");
    assert_eq!(get(&api("echo")).send().unwrap().status(), 401);
}

#[test]
fn keys_are_served_for_registered_clients() {
    let server = start(eager());
    let jwks = |client: &str| get(&format!("{}/sso/jwks/{client}", server.url())).send().unwrap();
    assert_eq!(jwks(CLIENT).json()["keys"][0]["alg"], "ES256");
    assert_eq!(jwks("nobody").status(), 404);
}
