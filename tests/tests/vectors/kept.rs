//! A session through `hostile.json`: whatever a server answers, nothing stored is lost.

#![allow(
    clippy::unwrap_used,
    clippy::arc_with_non_send_sync,
    reason = "a test fails by a panic, and this one has one thread"
)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use astropass_core::{
    Credentials, Error, Grant, Http, HttpError, MemoryStore, Provider, Request, Response, Secret,
    Session, Store, Timestamp,
};
use astropass_tests::clock::{BEGIN, VirtualClock};

use super::contract::ensure;
use super::hostile::{self, Case, Hostile};

#[tokio::test]
async fn a_session_is_kept_through_hostile_answers() {
    let file = std::fs::read(super::folder().join("hostile.json")).unwrap();
    let file = hostile::read(&astropass::parse_json(&file).unwrap());
    let (mut run, mut failures) = (0, Vec::new());
    for case in hostile::cases(&file).unwrap() {
        let (Hostile::Answer { status, body }, Some(machine @ ("device" | "refresh" | "revoke"))) =
            (&case.hostile, case.endpoint.string("machine"))
        else {
            continue;
        };
        run += 1;
        if let Err(failure) = keeps(&case, machine, *status, body).await {
            failures.push(format!("{}: {failure}", case.name));
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(run > 1000, "{run}");
}

async fn keeps(case: &Case<'_>, machine: &str, status: u16, body: &[u8]) -> Result<(), String> {
    let provider = case.provider.and_then(Provider::from_value).ok_or("no provider")?;
    let store = MemoryStore::new();
    let before = signed_in(&provider);
    let guard = store.lock(Default::default()).await.unwrap();
    store.save(&guard, None, &before).await.unwrap();
    drop(guard);
    let clock = VirtualClock::default();
    let body = body.to_vec();
    let mut answers = case.answers(move |_: &Request| Ok(hostile::response(status, &body)));
    let answers = move |request: &Request| answers(request).unwrap().result;
    let http = Scripted::new(answers);
    #[expect(clippy::arc_with_non_send_sync, reason = "a refresh is over an `Arc`")]
    let session = Arc::new(Session::new(provider, http.clone(), store.clone(), clock));
    let outcome = match machine {
        "device" => session.authorize_device(|_| {}).await.map(drop),
        "refresh" => Arc::clone(&session).refresh(None).await.map(drop),
        _ => {
            let signed_out = session.logout().await.map_err(|error| error.to_string())?;
            ensure(store.load().await.unwrap().is_none(), "it is still signed in")?;
            signed_out.revoked.unwrap_or(Ok(()))
        }
    };
    let outcome = outcome.as_ref().err().map_or("done", Error::code);
    ensure(outcome == case.expected, &format!("{outcome} in place of {}", case.expected))?;
    if machine == "revoke" || machine == "refresh" && outcome == "done" {
        return Ok(());
    }
    let (_, stored) = store.load().await.unwrap().ok_or("nothing is stored")?;
    ensure(stored.refresh_token == before.refresh_token, "the refresh token was changed")?;
    // As soon as the server is well again, so is the session.
    http.heal();
    let token = session.refresh(None).await.map_err(|error| error.to_string())?;
    ensure(token.expose_secret() == "access-Y2FuYXJ5-after", "another token")
}

/// Signed in two hours ago for an hour, with an organization where there are some.
fn signed_in(provider: &Provider) -> Credentials {
    let grant = Grant {
        access_token: Secret::new("Y2FuYXJ5.eyJzaWQiOiJzZXNzaW9uXzAxIn0.b".to_owned()),
        refresh_token: Some(Secret::new("refresh-Y2FuYXJ5-before".to_owned())),
        lifetime: Some(3600),
        subject: None,
        organization: None,
        user: None,
    };
    Credentials::new(
        &provider.issuer,
        &provider.client_id,
        grant,
        Timestamp::from_unix(BEGIN - 7200),
    )
}

/// A server that follows a script until it is healed.
#[derive(Clone)]
struct Scripted<'a>(Rc<RefCell<Box<Script<'a>>>>);

type Script<'a> = dyn FnMut(&Request) -> Result<Response, HttpError> + 'a;

impl<'a> Scripted<'a> {
    fn new(script: impl FnMut(&Request) -> Result<Response, HttpError> + 'a) -> Self {
        Self(Rc::new(RefCell::new(Box::new(script))))
    }

    fn heal(&self) {
        let good = br#"{"access_token":"access-Y2FuYXJ5-after",
            "refresh_token":"refresh-Y2FuYXJ5-after"}"#;
        *self.0.borrow_mut() = Box::new(|_| hostile::response(200, good));
    }
}

impl Http for Scripted<'_> {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        (*self.0.borrow_mut())(&request)
    }
}
