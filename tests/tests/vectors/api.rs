//! A stored session that asks its API server, through `hostile.json`.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::sync::Arc;
use std::time::SystemTime;

use astropass::{
    Account, Credentials, Endpoint, Error, Home, HttpFuture, Keyring, KeyringPrompt, ProfileStore,
    Provider, Request, Secret, SendHttp, Session, StoreChoice, Timestamp,
};
use astropass_core::{Grant, Store};

use super::contract::ensure;
use super::hostile::{self, Case, Hostile};

const PATH: &str = "/api/v1/me";

#[tokio::test]
async fn a_session_is_kept_through_hostile_answers_of_its_api_server() {
    let file = std::fs::read(super::folder().join("hostile.json")).unwrap();
    let file = hostile::read(&astropass::parse_json(&file).unwrap());
    let mut failures = Vec::new();
    for case in hostile::cases(&file).unwrap().iter().filter(|case| is_asked(case)) {
        let Hostile::Answer { status, body } = &case.hostile else { continue };
        let (status, body) = (*status, body.clone());
        let answer = move |_| -> HttpFuture<'static> {
            let response = hostile::response(status, &body);
            Box::pin(async { response })
        };
        if let Err(failure) = keeps(case, answer).await {
            failures.push(format!("{}: {failure}", case.name));
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

/// Whether it is the API server that gives the answer of `case`, and not what a machine asks.
pub(crate) fn is_asked(case: &Case<'_>) -> bool {
    matches!(case.endpoint.string("machine"), Some("api" | "accounts"))
}

/// Asks an API server that answers by `api`, and compares what comes of that.
pub(crate) async fn keeps(
    case: &Case<'_>,
    api: impl Fn(Request) -> HttpFuture<'static> + Send + Sync + 'static,
) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::in_directory(folder.path());
    let provider = case.provider.and_then(Provider::from_value).ok_or("no provider")?;
    sign_in(&home, &provider).await;
    let server = Endpoint::parse(&provider.issuer).unwrap();
    let builder = Session::builder().home(home).provider(provider).server(server);
    let session = builder.store(StoreChoice::File).http(Servers(api)).build().unwrap();
    let (outcome, status) = ask(&session, case).await;
    ensure(outcome == case.expected, &format!("{outcome} in place of {}", case.expected))?;
    let stored = session.credentials().await.map_err(|error| error.to_string())?;
    let token = session.token().await.map_err(|error| error.to_string())?;
    // One 401 is one refresh.
    let expected = if status == 401 { "Y2FuYXJ5-after" } else { "Y2FuYXJ5-before" };
    let refresh_token = stored.refresh_token.as_ref().map(Secret::expose_secret);
    ensure(refresh_token == Some(&format!("refresh-{expected}")), "another refresh token")?;
    ensure(token.expose_secret() == format!("access-{expected}"), "another access token")
}

/// What a program makes of the answer, and its status.
async fn ask(session: &Session, case: &Case<'_>) -> (&'static str, u16) {
    let request = http::Request::get(PATH).body(Vec::new()).unwrap();
    let response = match session.send(request).await {
        Ok(response) => response,
        Err(error) => return (error.code(), 0),
    };
    let status = response.status();
    let is_api = case.endpoint.string("machine") == Some("api");
    let outcome = match Account::list(response.body()) {
        _ if is_api => "done",
        _ if !status.is_success() => "api_status",
        Ok(_) => "done",
        Err(error) => Error::code(&error),
    };
    (outcome, status.as_u16())
}

/// Somebody signs in for an hour.
async fn sign_in(home: &Home, provider: &Provider) {
    let grant = Grant {
        access_token: Secret::new("access-Y2FuYXJ5-before".to_owned()),
        refresh_token: Some(Secret::new("refresh-Y2FuYXJ5-before".to_owned())),
        lifetime: Some(3600),
        subject: Some("user_01".to_owned()),
        organization: None,
        user: None,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let now = Timestamp::from_unix(now as i64);
    let credentials = Credentials::new(&provider.issuer, &provider.client_id, grant, now);
    let keyring = Arc::new(Keyring::new("astropass-tests", KeyringPrompt::Never));
    let store = ProfileStore::new(home, "default", keyring, StoreChoice::File, false);
    let guard = store.lock(Default::default()).await.unwrap();
    store.save(&guard, None, &credentials).await.unwrap();
}

/// The login server, which is well, and the API server.
struct Servers<A>(A);

impl<A: Fn(Request) -> HttpFuture<'static> + Send + Sync> SendHttp for Servers<A> {
    fn send(&self, request: Request) -> HttpFuture<'_> {
        if request.endpoint.path() == PATH {
            return (self.0)(request);
        }
        let good =
            br#"{"access_token":"access-Y2FuYXJ5-after","refresh_token":"refresh-Y2FuYXJ5-after"}"#;
        Box::pin(async { hostile::response(200, good) })
    }
}
