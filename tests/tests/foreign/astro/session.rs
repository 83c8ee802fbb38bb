//! The native session at these servers.

use std::future::{pending, ready};
use std::sync::mpsc::channel;
use std::thread;

use astropass::{
    BrowserLogin, Builder, Endpoint, Error, Home, Provider, Secret, Session, StoreChoice,
    Workspaces,
};
use astropass_tests::foreign::{Foreign, Visitor};
use serde_json::json;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::last_request;

fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse(url).unwrap()
}

fn builder(folder: &TempDir, provider: Provider, api: &str) -> Builder {
    let home = Home::in_directory(folder.path());
    Session::builder().home(home).store(StoreChoice::File).provider(provider).server(endpoint(api))
}

fn cloud(folder: &TempDir, server: &Foreign) -> Session {
    let [client_id, audience] = [server.fact("client_id"), server.fact("audience")];
    let provider = Provider::astro(&endpoint(server.fact("login")), client_id, audience).unwrap();
    let builder = builder(folder, provider, server.fact("api"));
    builder.redirect_uri("http://localhost/callback".parse().unwrap()).build().unwrap()
}

fn software(folder: &TempDir, server: &Foreign) -> Session {
    let houston = format!("{}/v1", server.fact("houston"));
    builder(folder, Provider::software(&endpoint(&houston)), &houston).build().unwrap()
}

fn names(workspaces: &Workspaces) -> Vec<&str> {
    workspaces.workspaces.iter().map(|one| one.name.as_str()).collect()
}

#[tokio::test]
async fn cloud_by_browser() {
    let server = Foreign::astro(&json!({"any_port": true})).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let session = cloud(&folder, &server);
    let login = BrowserLogin::default().login_hint("grace@example.com").organization("org_navy");
    let (sender, visits) = channel();
    let show = |prompt: astropass::BrowserPrompt| {
        let url = prompt.authorization_url.as_str().to_owned();
        thread::spawn(move || {
            let evil = Visitor::default().setting("state", "evil").then_true();
            sender.send(evil.visit(&url).unwrap())
        });
    };
    let credentials =
        session.login_with_browser(&login, show, |_| pending::<Zeroizing<String>>()).await.unwrap();
    assert_eq!(credentials.user.as_ref().unwrap().email.as_deref(), Some("grace@example.com"));
    let pages = visits.recv().unwrap().pages;
    assert_eq!([pages[0].status, pages[1].status], [400, 200], "{pages:?}");
    let asked = last_request(&server, "login", "/authorize");
    assert_eq!(asked["query"]["organization"], "org_navy");

    // A refusal is answered by a refresh, and all is asked again.
    let path = "/v1/users/self";
    let fault = json!({"server": "api", "path": path, "status": 401, "body": {}, "times": 1});
    server.set(&json!({"faults": [fault]})).unwrap();
    let found = session.workspaces(None).await.unwrap();
    let renewal = last_request(&server, "login", "/oauth/token");
    assert_eq!(
        (&renewal["body"]["grant_type"], &renewal["status"]),
        (&json!("refresh_token"), &json!(200))
    );
    assert_eq!(found.organization.as_ref().unwrap().name, "Compilers");
    assert_eq!(names(&found), ["COBOL", "FLOW-MATIC", "Mark I"]);
    session.logout().await.unwrap();
    assert_eq!(last_request(&server, "login", "/oauth/revoke")["status"], 200);
}

#[tokio::test]
async fn cloud_by_pasted_callback() {
    let server = Foreign::astro(&json!({"any_port": true})).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let session = cloud(&folder, &server);
    let (sender, urls) = channel();
    let show = |prompt: astropass::BrowserPrompt| {
        let visit = Visitor::default().staying().visit(prompt.authorization_url.as_str());
        sender.send(visit.unwrap().callback.unwrap()).unwrap();
    };
    let paste = move |_wrong| ready(Zeroizing::new(urls.recv().unwrap()));
    session.login_with_browser(&BrowserLogin::default(), show, paste).await.unwrap();
    assert_eq!(names(&session.workspaces(None).await.unwrap()), ["Production"]);
}

#[tokio::test]
async fn tokens() {
    let server = Foreign::astro(&json!({})).unwrap();
    let token = |expires_in| Secret::new(server.cloud_token("ada", expires_in).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let session = cloud(&folder, &server);
    let expired = session.login_with_token(token(-1)).await.unwrap_err();
    assert!(matches!(expired, Error::AccessDenied(_)), "{expired:?}");
    session.login_with_token(token(60)).await.unwrap();
    assert_eq!(names(&session.workspaces(None).await.unwrap()), ["Production"]);

    let token = |expires_in| Secret::new(server.houston_token("alan", expires_in).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let session = software(&folder, &server);
    let expired = session.login_with_token(token(-1)).await.unwrap_err();
    assert!(matches!(expired, Error::AccessDenied(_)), "{expired:?}");
    session.login_with_token(token(60)).await.unwrap();
    assert_eq!(session.workspaces(None).await.unwrap().workspaces, []);
}

#[tokio::test]
async fn software_by_password() {
    let server = Foreign::astro(&json!({})).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let session = software(&folder, &server);
    let wrong = Secret::new("wrong".to_owned());
    let refused = session.login_with_password("grace@example.com", wrong).await.unwrap_err();
    assert!(refused.to_string().contains("Invalid password and username combination"), "{refused}");
    let right = Secret::new("nanosecond".to_owned());
    session.login_with_password("grace@example.com", right).await.unwrap();
    assert_eq!(names(&session.workspaces(None).await.unwrap()), ["COBOL", "FLOW-MATIC", "Mark I"]);
    let headers = &last_request(&server, "houston", "/v1")["headers"];
    assert!(!headers["authorization"].as_str().unwrap().contains(' '));
}
