use astropass_tests::client::{get, post};
use astropass_tests::person::Person;
use astropass_tests::server::Server;
use http::header::{CONTENT_SECURITY_POLICY, ORIGIN, SET_COOKIE};
use serde_json::Value;

use crate::{assert_error, claims, device_request, eager, poll, start, text};

fn waiting(server: &Server) -> Value {
    device_request(server, "openid projects").send().unwrap().json()
}

#[test]
fn a_person_approves_for_the_chosen_account() {
    let server = start(eager());
    let device = waiting(&server);
    let account = vec!["Grace".to_owned(), "Navy".to_owned()];
    let person = Person { account, ..Person::default() };
    let heading = person.visit(text(&device, "verification_uri_complete")).unwrap();
    assert_eq!(heading, "Signed in");
    let tokens = poll(&server, text(&device, "device_code")).send().unwrap().json();
    let claims = claims(text(&tokens, "access_token"));
    assert_eq!((text(&claims, "sub"), text(&claims, "org_id")), ("user_grace", "org_navy"));
    let again = person.visit(text(&device, "verification_uri_complete")).unwrap_err();
    assert!(again.to_string().contains("already used"), "{again}");
}

#[test]
fn a_person_types_the_code_and_denies() {
    let server = start(eager());
    let device = waiting(&server);
    let code = Some(text(&device, "user_code").to_lowercase().replace('-', ""));
    let person = Person { denies: true, code, ..Person::default() };
    assert_eq!(person.visit(text(&device, "verification_uri")).unwrap(), "Denied");
    assert_error(poll(&server, text(&device, "device_code")), 400, "access_denied");
}

#[test]
fn the_page_says_who_asks_for_what_and_runs_nothing() {
    let server = start(eager());
    let device = waiting(&server);
    let page = get(text(&device, "verification_uri_complete")).send().unwrap();
    let html = page.text();
    for wanted in ["Test Terminal", text(&device, "user_code"), "openid projects", "Ada Lovelace"] {
        assert!(html.contains(wanted), "{wanted}");
    }
    assert!(!html.contains("<script"));
    assert!(!html.contains(text(&device, "device_code")));
    let policy = page.header(&CONTENT_SECURITY_POLICY).unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
}

#[test]
fn a_wrong_code_and_hostile_text_come_back_harmless() {
    let server = start(eager());
    let url = format!("{}/device?user_code=%22%3E%3Cscript%3E", server.url());
    let page = get(&url).send().unwrap();
    assert_eq!(page.status(), 404);
    assert!(page.text().contains("role=\"alert\""));
    assert!(page.text().contains("&quot;&gt;&lt;script&gt;") && !page.text().contains("<script"));
}

#[test]
fn a_form_counts_only_with_the_cookie_it_was_made_for() {
    let server = start(eager());
    let device = waiting(&server);
    let code = text(&device, "user_code");
    let page = get(text(&device, "verification_uri_complete")).send().unwrap();
    let set = page.header(&SET_COOKIE).unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"));
    let cookie = set.split(';').next().unwrap();
    let html = page.text();
    let form = html.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let send = |form: &str, cookie: &str| {
        let fields =
            [("form", form), ("user_code", code), ("decision", "approve"), ("account", "user_ada")];
        post(&format!("{}/device", server.url())).cookie(cookie).form(fields)
    };
    assert_eq!(send(form, "").send().unwrap().status(), 403);
    assert_eq!(send(form, "form=other").send().unwrap().status(), 403);
    assert_eq!(send("", cookie).send().unwrap().status(), 403);
    let foreign = send(form, cookie).header(ORIGIN, "http://evil.example");
    assert_eq!(foreign.send().unwrap().status(), 403);
    assert_error(poll(&server, text(&device, "device_code")), 400, "authorization_pending");
    assert_eq!(send(form, cookie).send().unwrap().status(), 200);
}
