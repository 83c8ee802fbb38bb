//! A session over a real store, with a server that is a function.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use astropass::{
    Cleared, Credentials, Error, Event, ProfileStore, Session, StoreChoice, StoreError,
};
use astropass_core::Store;
use astropass_tests::server::CANARY;
use tokio::task::JoinSet;

use crate::home::{LONG, TestHome, save};
use crate::items::{Call, Meddled, Memory};
use crate::server::{
    API, EXPIRED, FRESH, ISSUER, STALE, Server, endpoint, first_tokens, provider_at,
};

/// A home with a session in its file, the server that it is at, and the session.
pub(crate) async fn signed_in(age: i64) -> (TestHome, Server, Session) {
    let (home, server) = (TestHome::new(), Server::new());
    save(&home.file_store(), &first_tokens(age)).await.unwrap();
    let session = session(&home, &server);
    (home, server, session)
}

fn session(home: &TestHome, server: &Server) -> Session {
    builder(home, server).server(endpoint(API)).store(StoreChoice::File).build().unwrap()
}

pub(crate) fn builder(home: &TestHome, server: &Server) -> astropass::Builder {
    Session::builder()
        .home(home.home.clone())
        .provider(provider_at(ISSUER))
        .http(server.clone())
        .keyring(Memory::default())
}

async fn stored(store: &ProfileStore) -> Arc<Credentials> {
    store.load().await.unwrap().expect("nothing is stored").1
}

pub(crate) async fn assert_stored(store: &ProfileStore, n: u32) {
    let stored = stored(store).await;
    assert_eq!(stored.access_token.expose_secret(), format!("access-{CANARY}-{n}"));
    assert_eq!(
        stored.refresh_token.as_ref().unwrap().expose_secret(),
        format!("refresh-{CANARY}-{n}")
    );
}

pub(crate) fn get(uri: &str) -> http::Request<Vec<u8>> {
    http::Request::get(uri).body(Vec::new()).unwrap()
}

/// Everything can be spawned on a runtime with threads.
#[test]
fn is_send() {
    fn send<T: Send>(_: T) {}
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let (home, server) = (TestHome::new(), Server::new());
    let session = session(&home, &server);
    shared(&session);
    send(session.token());
    send(session.login(|_| {}));
    send(session.logout());
    send(session.switch_organization("org"));
    send(session.credentials());
    send(session.settle(LONG));
    send(session.send(get("/")));
    send(builder(&home, &server));
    let store = home.file_store();
    shared(&store);
    send(store.revision());
    send(store.load());
    send(store.lock(LONG));
}

#[tokio::test]
async fn callers_dropped_after_the_send() {
    let (home, server, session) = signed_in(EXPIRED).await;
    server.hold(true);
    {
        let callers = async { tokio::join!(session.token(), session.token()) };
        tokio::select! {
            _ = callers => panic!("the answer is held"),
            () = server.refresh_received() => {}
        }
    }
    server.hold(false);
    session.settle(LONG).await;
    assert_stored(&home.file_store(), 2).await;
    assert_eq!(session.token().await.unwrap().expose_secret(), "access-Y2FuYXJ5-2");
    assert_eq!(server.count(ISSUER), 1);
}

#[tokio::test]
async fn session_dropped_after_the_send() {
    let (home, server, session) = signed_in(EXPIRED).await;
    begin_refresh(&server, &session).await;
    drop(session);
    server.hold(false);
    // The refresh has the lock until it is done.
    let store = home.file_store();
    drop(store.lock(LONG).await.unwrap());
    assert_stored(&store, 2).await;
}

/// In two sessions, as two processes would have them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hundred_callers_one_refresh() {
    let (home, server, session) = signed_in(EXPIRED).await;
    let sessions = [session, self::session(&home, &server)];
    let mut callers = JoinSet::new();
    for n in 0..100 {
        let session = sessions[n % 2].clone();
        callers.spawn(async move { session.token().await });
    }
    for token in callers.join_all().await {
        assert_eq!(token.unwrap().expose_secret(), "access-Y2FuYXJ5-2");
    }
    assert_eq!(server.count(ISSUER), 1);
    assert_stored(&home.file_store(), 2).await;
}

/// Begins a refresh of which the answer is held.
async fn begin_refresh(server: &Server, session: &Session) {
    server.hold(true);
    tokio::select! {
        _ = session.token() => panic!("the answer is held"),
        () = server.refresh_received() => {}
    }
}

pub(crate) async fn is_ready(mut future: Pin<&mut (impl Future + ?Sized)>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[tokio::test]
async fn settle_waits() {
    let (home, server, session) = signed_in(EXPIRED).await;
    // With nothing under way there is nothing to wait for.
    session.settle(LONG).await;
    begin_refresh(&server, &session).await;
    let mut settled = std::pin::pin!(session.settle(LONG));
    assert!(!is_ready(settled.as_mut()).await);
    server.hold(false);
    settled.await;
    assert_stored(&home.file_store(), 2).await;
}

/// What is begun while it waits must not be cut off either.
#[tokio::test]
async fn settle_waits_for_what_comes_later() {
    let (_home, server, session) = signed_in(EXPIRED).await;
    begin_refresh(&server, &session).await;
    let mut settled = std::pin::pin!(session.settle(LONG));
    assert!(!is_ready(settled.as_mut()).await);
    let logout = tokio::spawn({
        let session = session.clone();
        async move { session.logout().await }
    });
    tokio::task::yield_now().await;
    server.hold(false);
    settled.await;
    assert_eq!(session.store(), Ok(None), "it is signed out");
    logout.await.unwrap().unwrap();
}

#[tokio::test]
async fn settle_gives_up() {
    let (home, server, session) = signed_in(EXPIRED).await;
    begin_refresh(&server, &session).await;
    tokio::time::pause();
    session.settle(Duration::from_secs(10)).await;
    tokio::time::resume();
    server.hold(false);
    session.settle(LONG).await;
    assert_stored(&home.file_store(), 2).await;
}

/// A keyring that is locked once `locked` is set.
pub(crate) fn lockable(items: &Memory) -> (Meddled<Memory>, Arc<AtomicBool>) {
    let locked = Arc::new(AtomicBool::new(false));
    let is_locked = Arc::clone(&locked);
    let keyring = Meddled::new(items.clone(), move |_| match is_locked.load(Ordering::Relaxed) {
        true => Err(StoreError::Locked("on purpose".to_owned())),
        false => Ok(()),
    });
    (keyring, locked)
}

/// Before a refresh is sent, it is certain that its answer can be stored.
#[tokio::test]
async fn nothing_is_sent_that_could_not_be_stored() {
    for (age, expected) in [(STALE, Some("access-Y2FuYXJ5-1")), (EXPIRED, None)] {
        let (home, server, items) = (TestHome::new(), Server::new(), Memory::limited());
        save(&home.store(items.clone(), StoreChoice::Keyring), &first_tokens(age)).await.unwrap();
        // It can be read, and not be written.
        let keyring = Meddled::new(items.clone(), |call| match call {
            Call::Read => Ok(()),
            _ => Err(StoreError::Denied("on purpose".to_owned())),
        });
        let session = builder(&home, &server).keyring(keyring).build().unwrap();
        let token = session.token().await;
        match expected {
            Some(expected) => assert_eq!(token.unwrap().expose_secret(), expected),
            None => assert_eq!(
                token.unwrap_err(),
                Error::from(StoreError::Denied("on purpose".to_owned()))
            ),
        }
        assert_eq!(server.count(ISSUER), 0);

        let session = builder(&home, &server).keyring(items.clone()).build().unwrap();
        assert_eq!(session.token().await.unwrap().expose_secret(), "access-Y2FuYXJ5-2");
        assert_stored(&home.store(items, StoreChoice::Auto), 2).await;
    }
}

/// Tokens that could not be stored after all are used, said to be unsaved, and stored later.
#[tokio::test]
async fn not_saved_and_saved_later() {
    let (home, server, items) = (TestHome::new(), Server::new(), Memory::limited());
    let sound = home.store(items.clone(), StoreChoice::Keyring);
    save(&sound, &first_tokens(EXPIRED)).await.unwrap();
    let (keyring, locked) = lockable(&items);
    let session = builder(&home, &server).keyring(keyring).build().unwrap();
    let mut events = session.events();
    server.hold(true);
    let lock_meanwhile = async {
        server.refresh_received().await;
        locked.store(true, Ordering::Relaxed);
        server.hold(false);
    };
    let (token, ()) = tokio::join!(session.token(), lock_meanwhile);
    assert_eq!(token.unwrap().expose_secret(), "access-Y2FuYXJ5-2");
    assert!(matches!(events.recv().await, Ok(Event::NotSaved(StoreError::Locked(_)))));
    assert_stored(&sound, 1).await;

    locked.store(false, Ordering::Relaxed);
    // By a later call, once the second is over in which memory alone is asked.
    while events.is_empty() {
        assert_eq!(session.token().await.unwrap().expose_secret(), "access-Y2FuYXJ5-2");
    }
    assert!(matches!(events.recv().await, Ok(Event::Refreshed { .. })));
    assert_stored(&sound, 2).await;
    assert_eq!(server.count(ISSUER), 1);
}

#[tokio::test]
async fn sign_out_with_a_locked_keyring() {
    let (home, server, items) = (TestHome::new(), Server::new(), Memory::limited());
    let sound = home.store(items.clone(), StoreChoice::Keyring);
    save(&sound, &first_tokens(FRESH)).await.unwrap();
    let (keyring, locked) = lockable(&items);
    let session = builder(&home, &server).keyring(keyring).build().unwrap();
    session.token().await.unwrap();
    locked.store(true, Ordering::Relaxed);
    let signed_out = session.logout().await.unwrap();
    assert_eq!(signed_out.cleared, Cleared::LeftToSweep);
    assert_eq!(signed_out.revoked.unwrap().unwrap_err().code(), "store_locked");
    assert_eq!(session.token().await.unwrap_err(), Error::NotSignedIn);
    assert_eq!(sound.kind(), Ok(None));
    assert_eq!(items.names().len(), 1);
}
