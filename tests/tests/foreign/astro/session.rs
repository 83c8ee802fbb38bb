//! The client that people use, at these servers: each request of its machines is one that they know.

use astropass::{
    Endpoint, Error, Home, Provider, Secret, Session, StoreChoice, find_organization,
    login_methods, login_server,
};
use astropass_tests::foreign::Foreign;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::SHARED;

fn endpoint(server: &Foreign, name: &str, path: &str) -> Endpoint {
    Endpoint::parse(&format!("{}{path}", server.fact(name))).unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A session in a home of its own, which goes with the folder.
fn session(provider: Provider, server: Endpoint) -> (Session, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::in_directory(folder.path());
    let session = Session::builder().home(home).store(StoreChoice::File);
    (session.provider(provider).server(server).build().unwrap(), folder)
}

fn software() -> (Session, TempDir) {
    let houston = endpoint(&SHARED, "houston", "/v1");
    session(Provider::software(&houston), houston)
}

async fn cloud() -> (Session, TempDir) {
    let api = endpoint(&SHARED, "api", "");
    let login = login_server(&api, None).await.unwrap();
    session(login.provider().unwrap(), api)
}

async fn in_cloud(user: &str, organization: Option<&str>) -> (Option<String>, Vec<String>) {
    let (session, _folder) = cloud().await;
    let token = Secret::new(SHARED.cloud_token(user, 600).unwrap());
    session.login_with_token(token).await.unwrap();
    let found = session.workspaces(organization).await.unwrap();
    let names = found.workspaces.into_iter().map(|it| it.name).collect();
    (found.organization.map(|it| it.name), names)
}

#[test]
fn where_the_cloud_signs_in() {
    runtime().block_on(async {
        let login = login_server(&endpoint(&SHARED, "api", ""), None).await.unwrap();
        assert_eq!(login.login.as_str(), SHARED.fact("login"));
        assert!(login.organization_first);

        // A cloud of today has no hub.
        let server = Foreign::astro(&json!({"auth_flow": null})).unwrap();
        let login = login_server(&endpoint(&server, "api", ""), None).await.unwrap();
        assert_eq!(login.client_id, server.fact("client_id"));
        assert!(!login.organization_first);
    });
}

#[test]
fn the_organization_of_an_address() {
    runtime().block_on(async {
        let api = endpoint(&SHARED, "api", "");
        for (email, expected) in [
            ("ada@example.com", Some("org_analytical")),
            ("many@example.com", Some("org_many1")),
            ("nobody@example.com", None),
        ] {
            let found = find_organization(&api, email, None).await.unwrap();
            assert_eq!(found.as_deref(), expected);
        }
    });
}

#[test]
fn the_cloud_s_organizations_and_workspaces() {
    runtime().block_on(async {
        let one = (Some("Analytical Engines".to_owned()), vec!["Production".to_owned()]);
        assert_eq!(in_cloud("ada", None).await, one);
        assert_eq!(in_cloud("ada", Some("clorganalytical0000000001")).await, one);
        // Not there, and not ours: the first of our own.
        assert_eq!(in_cloud("ada", Some("clorgunknown")).await, one);
        assert_eq!(in_cloud("ada", Some("clorgnavy0000000000000001")).await, one);
        assert_eq!(in_cloud("grace", Some("clorgcompilers00000000001")).await.1.len(), 3);
        assert_eq!(in_cloud("edsger", None).await, (Some("Empty Rooms".to_owned()), Vec::new()));
        assert_eq!(in_cloud("alan", None).await, (None, Vec::new()));
        // Beyond the first page of the list, which is why it is asked for by its id.
        let last = in_cloud("many", Some("clorgmany0000000000000300")).await;
        assert_eq!(last, (Some("Organization 300".to_owned()), vec!["Workspace 300".to_owned()]));
    });
}

#[test]
fn software_signs_in_with_a_password_or_a_token() {
    runtime().block_on(async {
        let methods = login_methods(&endpoint(&SHARED, "houston", "/v1"), None).await.unwrap();
        assert_eq!((methods.local_enabled, methods.providers), (true, vec!["Google".to_owned()]));

        let (session, _folder) = software();
        let password = Secret::new("nanosecond".to_owned());
        let credentials = session.login_with_password("grace@example.com", password).await;
        let credentials = credentials.unwrap();
        assert_eq!(credentials.user.as_ref().unwrap().name.as_deref(), Some("Grace Hopper"));
        // By the server's clock, which is this one.
        assert!((86_390..=86_400).contains(&credentials.lifetime.unwrap()));
        assert_eq!(session.workspaces(None).await.unwrap().workspaces.len(), 3);

        let (session, _folder) = software();
        let token = Secret::new(SHARED.houston_token("ada", 600).unwrap());
        session.login_with_token(token).await.unwrap();
        assert_eq!(session.workspaces(None).await.unwrap().workspaces[0].name, "Production");
    });
}

#[test]
fn software_refuses_a_wrong_password_and_a_token_that_is_none() {
    runtime().block_on(async {
        let (session, _folder) = software();
        let password = Secret::new("millisecond".to_owned());
        let refused = session.login_with_password("grace@example.com", password).await;
        let Err(Error::Server(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(error.description.as_deref(), Some("Invalid password and username combination"));
        for token in ["made-up".to_owned(), SHARED.houston_token("ada", -1).unwrap()] {
            let refused = session.login_with_token(Secret::new(token)).await;
            let Err(Error::AccessDenied(Some(error))) = refused else { panic!("{refused:?}") };
            assert_eq!(error.code, "invalid_token");
        }
        assert!(matches!(session.token().await, Err(Error::NotSignedIn)));
    });
}

#[test]
fn the_cloud_refuses_a_token_that_is_none() {
    runtime().block_on(async {
        let (session, _folder) = cloud().await;
        for token in ["made-up".to_owned(), SHARED.cloud_token("ada", -1).unwrap()] {
            let refused = session.login_with_token(Secret::new(token)).await;
            assert!(matches!(refused, Err(Error::AccessDenied(_))), "{refused:?}");
        }
        assert!(matches!(session.token().await, Err(Error::NotSignedIn)));
    });
}
