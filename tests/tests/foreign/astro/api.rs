//! The cloud's API.

use astropass_tests::client;
use astropass_tests::foreign::Foreign;
use serde_json::{Value, json};

use super::{SHARED, answer, get};

fn api(server: &Foreign, path: &str, user: &str) -> (u16, Value) {
    answer(get(server, "api", path).bearer(&server.cloud_token(user, 60).unwrap()))
}

fn look_up(server: &Foreign, body: &Value) -> (u16, Value) {
    let url = format!("{}/hub/organization-lookup", server.fact("api"));
    answer(client::post(&url).json(body))
}

#[test]
fn where_to_sign_in() {
    let config = json!({
        "clientId": "astro-cli-client",
        "audience": "astronomer-ee",
        "domainUrl": SHARED.fact("login"),
    });
    assert!(SHARED.fact("login").ends_with('/'));
    let today = get(&SHARED, "api", "/private/v1alpha1/cli/auth-config");
    assert_eq!(answer(today), (200, config.clone()));
    let (status, mut hub) = answer(get(&SHARED, "api", "/hub/auth-config"));
    assert_eq!((status, hub["authFlow"].take()), (200, json!("ORG_FIRST")));
    hub.as_object_mut().unwrap().remove("authFlow");
    assert_eq!(hub, config);

    let server = Foreign::astro(&json!({"auth_flow": null})).unwrap();
    let (status, error) = answer(get(&server, "api", "/hub/auth-config"));
    assert_eq!((status, &error["statusCode"]), (404, &json!(404)));
}

#[test]
fn organizations_of_an_email() {
    let found =
        |email: &str| look_up(&SHARED, &json!({"email": email})).1["OrganizationIds"].clone();
    assert_eq!(found("grace@example.com"), json!(["org_compilers", "org_navy"]));
    assert_eq!(found("Ada@Example.com"), json!(["org_analytical"]));
    assert_eq!(found("nobody@example.com"), json!([]));
    assert_eq!(found("alan@example.com"), json!([]));
    assert_eq!(found("many@example.com").as_array().unwrap().len(), 300);
    assert_eq!(look_up(&SHARED, &json!({"mail": "ada@example.com"})).0, 400);
    let url = format!("{}/hub/organization-lookup", SHARED.fact("api"));
    let form = client::post(&url).form([("email", "ada@example.com")]);
    assert_eq!(answer(form).0, 400);
    assert_eq!(answer(client::get(&url)).0, 405);
}

#[test]
fn the_user_exists_when_it_was_asked_for() {
    let server = Foreign::astro(&json!({})).unwrap();
    assert_eq!(api(&server, "/v1/users/self", "grace").0, 404);
    let (status, user) = api(&server, "/v1/users/self?createIfNotExist=true", "grace");
    assert_eq!(status, 200, "{user}");
    assert_eq!(user["username"], "grace@example.com");
    assert_eq!(user["fullName"], "Grace Hopper");
    assert_eq!(user["organizationId"], "clorgcompilers00000000001");
    assert_eq!(api(&server, "/v1/users/self", "grace").0, 200);
    assert_eq!(api(&server, "/v1/users/self", "ada").0, 404);
    let (_, user) = api(&server, "/v1/users/self?createIfNotExist=true", "a.stranger");
    assert_eq!(
        (&user["username"], user.get("organizationId")),
        (&json!("a.stranger@example.com"), None)
    );
}

#[test]
fn organizations() {
    let (_, page) = api(&SHARED, "/v1/organizations?limit=100", "many");
    assert_eq!(
        (&page["totalCount"], &page["limit"], &page["offset"]),
        (&json!(300), &json!(100), &json!(0))
    );
    assert_eq!(page["organizations"].as_array().unwrap().len(), 100);
    assert_eq!(page["organizations"][0]["name"], "Organization 1");
    let (_, page) = api(&SHARED, "/v1/organizations?limit=100&offset=200", "many");
    assert_eq!(page["organizations"][99]["name"], "Organization 300");
    let (_, page) = api(&SHARED, "/v1/organizations", "many");
    assert_eq!(page["organizations"].as_array().unwrap().len(), 20);
    assert_eq!(api(&SHARED, "/v1/organizations?limit=100", "alan").1["organizations"], json!([]));
    assert_eq!(api(&SHARED, "/v1/organizations?limit=0", "many").0, 400);
    assert_eq!(api(&SHARED, "/v1/organizations?size=3", "many").0, 400);

    let (status, one) = api(&SHARED, "/v1/organizations/clorgnavy0000000000000001", "grace");
    assert_eq!(
        (status, &one["name"], &one["product"]),
        (200, &json!("Navy Reserve"), &json!("HOSTED"))
    );
    assert_eq!(api(&SHARED, "/v1/organizations/clorgnavy0000000000000001", "ada").0, 403);
    assert_eq!(api(&SHARED, "/v1/organizations/clorgunknown", "ada").0, 404);
}

#[test]
fn workspaces_none_one_and_several() {
    for (user, organization, names) in [
        ("edsger", "clorgempty000000000000001", json!([])),
        ("ada", "clorganalytical0000000001", json!(["Production"])),
        ("grace", "clorgcompilers00000000001", json!(["COBOL", "FLOW-MATIC", "Mark I"])),
    ] {
        let path = format!("/v1/organizations/{organization}/workspaces");
        let (status, page) = api(&SHARED, &path, user);
        assert_eq!(status, 200, "{page}");
        let workspaces = page["workspaces"].as_array().unwrap();
        let found: Value = workspaces.iter().map(|one| one["name"].clone()).collect();
        assert_eq!(found, names);
        assert!(workspaces.iter().all(|one| one["organizationId"] == organization));
        assert_eq!(api(&SHARED, &path, "alan").0, 403);
    }
}

#[test]
fn only_with_a_token_of_the_login_server() {
    let path = "/v1/organizations";
    let (status, error) = answer(get(&SHARED, "api", path));
    assert_eq!((status, error["message"].is_string()), (401, true));
    let expired = SHARED.cloud_token("ada", -1).unwrap();
    assert_eq!(answer(get(&SHARED, "api", path).bearer(&expired)).0, 401);
    assert_eq!(answer(get(&SHARED, "api", path).bearer("made-up")).0, 401);
    let houston = SHARED.houston_token("ada", 60).unwrap();
    assert_eq!(answer(get(&SHARED, "api", path).bearer(&houston)).0, 401);
    let raw = SHARED.cloud_token("ada", 60).unwrap();
    let without_bearer = get(&SHARED, "api", path).header(http::header::AUTHORIZATION, &raw);
    assert_eq!(answer(without_bearer).0, 401);

    // An API token is good here only.
    let api_token = "astro-api-token-Y2FuYXJ5";
    assert_eq!(answer(get(&SHARED, "api", path).bearer(api_token)).0, 200);
    assert_eq!(answer(get(&SHARED, "login", "userinfo").bearer(api_token)).0, 401);
}

#[test]
fn faults() {
    let server = Foreign::astro(&json!({})).unwrap();
    let path = "/v1/organizations/clorganalytical0000000001";
    let fault = json!({"server": "api", "path": path, "status": 403, "body": {"message": "no"}});
    server.set(&json!({"faults": [fault]})).unwrap();
    assert_eq!(api(&server, path, "ada"), (403, json!({"message": "no"})));
    assert_eq!(api(&server, "/v1/organizations", "ada").0, 200);
    server.set(&json!({"faults": []})).unwrap();
    assert_eq!(api(&server, path, "ada").0, 200);
}
