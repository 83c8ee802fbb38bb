//! A session over a real store, with a server that is a function.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use astropass::{
    Cleared, Credentials, Error, Event, Notice, ProfileStore, Secret, Session, StoreChoice,
    StoreError, StoreKind,
};
use astropass_core::Store;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::home::{LONG, TestHome, save};
use crate::items::{Call, Meddled, Memory};
use crate::server::{
    API, EXPIRED, FRESH, ISSUER, STALE, Server, endpoint, first_tokens, provider_at,
};

/// A home with a session in its file, the server that it is at, and the session.
async fn signed_in(age: i64) -> (TestHome, Server, Session) {
    let (home, server) = (TestHome::new(), Server::new());
    save(&home.file_store(), &first_tokens(age)).await.unwrap();
    let session = session(&home, &server);
    (home, server, session)
}

fn session(home: &TestHome, server: &Server) -> Session {
    builder(home, server).server(endpoint(API)).store(StoreChoice::File).build().unwrap()
}

fn builder(home: &TestHome, server: &Server) -> astropass::Builder {
    Session::builder()
        .home(home.home.clone())
        .provider(provider_at(ISSUER))
        .http(server.clone())
        .keyring(Memory::default())
}

async fn stored(store: &ProfileStore) -> Credentials {
    store.load().await.unwrap().expect("nothing is stored").1
}

async fn assert_stored(store: &ProfileStore, n: u32) {
    let stored = stored(store).await;
    assert_eq!(stored.access_token.expose_secret(), format!("access-{n}"));
    assert_eq!(stored.refresh_token.unwrap().expose_secret(), format!("refresh-{n}"));
}

fn get(uri: &str) -> http::Request<Vec<u8>> {
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
    assert_eq!(session.token().await.unwrap().expose_secret(), "access-2");
    assert_eq!(server.count(ISSUER), 1);
}

#[tokio::test]
async fn session_dropped_after_the_send() {
    let (home, server, session) = signed_in(EXPIRED).await;
    server.hold(true);
    tokio::select! {
        _ = session.token() => panic!("the answer is held"),
        () = server.refresh_received() => {}
    }
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
        assert_eq!(token.unwrap().expose_secret(), "access-2");
    }
    assert_eq!(server.count(ISSUER), 1);
    assert_stored(&home.file_store(), 2).await;
}

#[tokio::test]
async fn settle_waits() {
    let (home, server, session) = signed_in(EXPIRED).await;
    // With nothing under way there is nothing to wait for.
    session.settle(LONG).await;
    server.hold(true);
    tokio::select! {
        _ = session.token() => panic!("the answer is held"),
        () = server.refresh_received() => {}
    }
    let mut settled = std::pin::pin!(session.settle(LONG));
    let poll =
        std::future::poll_fn(|context| std::task::Poll::Ready(settled.as_mut().poll(context)));
    assert!(poll.await.is_pending());
    server.hold(false);
    settled.await;
    assert_stored(&home.file_store(), 2).await;
}

#[tokio::test]
async fn settle_gives_up() {
    let (home, server, session) = signed_in(EXPIRED).await;
    server.hold(true);
    tokio::select! {
        _ = session.token() => panic!("the answer is held"),
        () = server.refresh_received() => {}
    }
    tokio::time::pause();
    session.settle(Duration::from_secs(10)).await;
    tokio::time::resume();
    server.hold(false);
    session.settle(LONG).await;
    assert_stored(&home.file_store(), 2).await;
}

#[tokio::test]
async fn other_servers_never_get_the_token() {
    let (_home, server, session) = signed_in(FRESH).await;
    let others = [
        "https://evil.example/",
        "https://api.example.evil.example/",
        "https://api.example:444/",
        "https://api.example@evil.example/",
        "http://api.example/",
        "http://localhost/",
        "//evil.example/",
        "/\\evil.example/",
        "*",
    ];
    for other in others {
        let Ok(request) = http::Request::get(other).body(Vec::new()) else { continue };
        if let Ok(answer) = session.send(request).await {
            // What is sent at all is sent to the API server.
            assert_ne!(other.get(..4), Some("http"), "sent to {other}");
            assert!(answer.status().is_success());
        }
    }
    // Nor does an answer lead there.
    assert_eq!(session.send(get("/moved")).await.unwrap().status(), 302);
    for sent in server.log() {
        assert!(sent.url.starts_with("https://api.example/"), "{}", sent.url);
    }

    let request = http::Request::get("https://api.example/whole?a=b")
        .header("authorization", "Bearer mine")
        .body(Vec::new());
    let answer = session.send(request.unwrap()).await.unwrap();
    assert_eq!(answer.body(), br#"{"path":"/whole?a=b"}"#);
    let last = server.log().pop().unwrap();
    assert_eq!(last.token.as_deref(), Some("Bearer access-1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_401_one_refresh() {
    let (home, server, session) = signed_in(FRESH).await;
    server.refuse_token();
    let mut senders = JoinSet::new();
    for n in 0..50 {
        let session = session.clone();
        senders.spawn(async move { session.send(get(&format!("/{n}"))).await });
    }
    for answer in senders.join_all().await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(server.count(ISSUER), 1);
    assert_stored(&home.file_store(), 2).await;

    // A late one has its old token exchanged for the one that is known already.
    assert_eq!(session.token().await.unwrap().expose_secret(), "access-2");
    assert_eq!(server.count(ISSUER), 1);
}

/// A server that refuses the new token too is not asked for ever.
#[tokio::test]
async fn second_401_is_the_answer() {
    let (_home, server, session) = signed_in(FRESH).await;
    server.refuse_token();
    let request = session.send(get("/"));
    server.hold(true);
    let refuse_again = async {
        server.refresh_received().await;
        server.refuse_token();
        server.hold(false);
    };
    let (answer, ()) = tokio::join!(request, refuse_again);
    assert_eq!(answer.unwrap().status(), 401);
    assert_eq!((server.count(API), server.count(ISSUER)), (2, 1));
}

#[tokio::test]
async fn given_token_is_never_stored() {
    let (home, server) = (TestHome::new(), Server::new());
    let session = Session::builder()
        .home(home.home.clone())
        .server(endpoint(API))
        .http(server.clone())
        .access_token(Secret::new("access-1".to_owned()))
        .build()
        .unwrap();
    assert_eq!(session.token().await.unwrap().expose_secret(), "access-1");
    assert_eq!(session.send(get("/")).await.unwrap().status(), 200);
    server.refuse_token();
    assert_eq!(session.send(get("/")).await.unwrap().status(), 401);
    assert_eq!(server.count(ISSUER), 0);
    assert!(!home.folder().exists());
}

/// A stored session is left alone by a token from outside.
#[tokio::test]
async fn given_token_beside_a_session() {
    let (home, server, _) = signed_in(EXPIRED).await;
    let before = home.text();
    let given = Secret::new("given".to_owned());
    let session = builder(&home, &server).access_token(given).server(endpoint(API));
    let session = session.build().unwrap();
    assert_eq!(session.token().await.unwrap().expose_secret(), "given");
    assert_eq!(session.send(get("/")).await.unwrap().status(), 401);
    assert_eq!((home.text(), server.count(ISSUER)), (before, 0));
}

/// A keyring that is locked once `locked` is set.
fn lockable(items: &Memory) -> (Meddled<Memory>, Arc<AtomicBool>) {
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
    for (age, expected) in [(STALE, Some("access-1")), (EXPIRED, None)] {
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
                Error::Store(StoreError::Denied("on purpose".to_owned()))
            ),
        }
        assert_eq!(server.count(ISSUER), 0);

        let session = builder(&home, &server).keyring(items.clone()).build().unwrap();
        assert_eq!(session.token().await.unwrap().expose_secret(), "access-2");
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
    assert_eq!(token.unwrap().expose_secret(), "access-2");
    assert!(matches!(events.recv().await, Ok(Event::NotSaved(StoreError::Locked(_)))));
    assert_stored(&sound, 1).await;

    locked.store(false, Ordering::Relaxed);
    // By a later call, once the second is over in which memory alone is asked.
    while events.is_empty() {
        assert_eq!(session.token().await.unwrap().expose_secret(), "access-2");
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
    assert!(matches!(signed_out.revoked, Some(Err(Error::Store(StoreError::Locked(_))))));
    assert_eq!(session.token().await.unwrap_err(), Error::NotSignedIn);
    assert_eq!(sound.kind(), Ok(None));
    assert_eq!(items.names().len(), 1);
}

/// Starts a login, and says when the code is shown.
async fn begin_login(
    session: &Session,
) -> tokio::task::JoinHandle<Result<Arc<Credentials>, Error>> {
    let (shown, is_shown) = oneshot::channel();
    let (session, mut shown) = (session.clone(), Some(shown));
    let login = tokio::spawn(async move {
        session.login(move |_| shown.take().unwrap().send(()).unwrap()).await
    });
    is_shown.await.unwrap();
    login
}

/// What a login is to bring does not come about by a refresh while nobody has approved it.
#[tokio::test]
async fn refresh_during_a_login() {
    let (home, server, items) = (TestHome::new(), Server::new(), Memory::limited());
    let keyring = home.store(items.clone(), StoreChoice::Keyring);
    save(&keyring, &first_tokens(EXPIRED)).await.unwrap();
    let session = builder(&home, &server).keyring(items.clone()).server(endpoint(API));
    let session = session.store(StoreChoice::File).build().unwrap();
    let login = begin_login(&session).await;
    assert_eq!(session.token().await.unwrap().expose_secret(), "access-2");
    login.abort();
    assert!(login.await.is_err_and(|ended| ended.is_cancelled()));

    assert_eq!(keyring.kind(), Ok(Some(StoreKind::Keyring)));
    assert_stored(&keyring, 2).await;
    let profile = home.home.profile("default").unwrap().unwrap();
    assert_eq!((profile.server, profile.provider), (None, None));
}

/// A login moves the session to the store of its choice, remembers its settings, and revokes the
/// session before.
#[tokio::test]
async fn login_over_a_session() {
    let (home, server, items) = (TestHome::new(), Server::new(), Memory::limited());
    let keyring = home.store(items.clone(), StoreChoice::Keyring);
    save(&keyring, &first_tokens(FRESH)).await.unwrap();
    let session = builder(&home, &server).keyring(items.clone()).server(endpoint(API));
    let session = session.store(StoreChoice::File).build().unwrap();
    server.approve();
    begin_login(&session).await.await.unwrap().unwrap();
    assert_eq!(session.store(), Ok(Some(StoreKind::File)));
    assert!(items.names().is_empty(), "{:?}", items.names());
    assert_stored(&keyring, 2).await;
    let profile = home.home.profile("default").unwrap().unwrap();
    assert_eq!(profile.provider, Some(provider_at(ISSUER)));
    assert_eq!(profile.server, Some(endpoint(API)));
    let last = server.log().pop().unwrap();
    assert_eq!(last.url, format!("{ISSUER}/revoke"));
    assert_eq!(last.token.as_deref(), Some("refresh-1"));
}

/// Tokens of one provider never go to another one, not even to be revoked.
#[tokio::test]
async fn login_at_another_provider() {
    let (home, server, _) = signed_in(FRESH).await;
    server.approve();
    let other = provider_at("https://other.example");
    let session = builder(&home, &server).provider(other).store(StoreChoice::File);
    let session = session.build().unwrap();
    assert_eq!(session.token().await.unwrap_err(), Error::SessionChanged);
    begin_login(&session).await.await.unwrap().unwrap();
    for sent in server.log() {
        assert!(sent.url.starts_with("https://other.example/"), "{}", sent.url);
        assert_eq!(sent.token, None, "{}", sent.url);
    }
    assert_stored(&home.file_store(), 2).await;
    session.logout().await.unwrap();
    let last = server.log().pop().unwrap();
    assert_eq!(last.token.as_deref(), Some("refresh-2"));
}

/// A file that cannot be read keeps nobody from signing in again.
#[tokio::test]
async fn login_over_a_corrupt_file() {
    for choice in [StoreChoice::File, StoreChoice::Keyring, StoreChoice::Auto] {
        let (home, server) = (TestHome::with_file("{\"version\": 1, \"prof"), Server::new());
        let session = builder(&home, &server).store(choice).build().unwrap();
        assert!(matches!(session.token().await, Err(Error::Store(StoreError::Corrupt(_)))));
        server.approve();
        begin_login(&session).await.await.unwrap().unwrap();
        assert_eq!(session.token().await.unwrap().expose_secret(), "access-2");
        let kept_as = home.kept("corrupt");
        assert_eq!(fs::read_to_string(&kept_as).unwrap(), "{\"version\": 1, \"prof");
        assert_eq!(home.notices(), [Notice::SetAside { kept_as }]);
    }
}

/// Nobody is shown a code who could not be signed in.
#[tokio::test]
async fn login_without_a_store() {
    let (home, server) = (TestHome::new(), Server::new());
    let (keyring, locked) = lockable(&Memory::default());
    locked.store(true, Ordering::Relaxed);
    let session = builder(&home, &server).keyring(keyring).build().unwrap();
    let (shown, mut is_shown) = mpsc::unbounded_channel();
    let refused = session.login(move |_| shown.send(()).unwrap()).await.unwrap_err();
    assert!(matches!(refused, Error::Store(StoreError::Locked(_))), "{refused}");
    assert_eq!(is_shown.recv().await, None);
    assert!(server.log().is_empty());
}
