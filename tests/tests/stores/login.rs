//! Logins over what is in the store.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use astropass::{Credentials, Error, Notice, Session, StoreChoice, StoreError, StoreKind};
use tokio::sync::{mpsc, oneshot};

use crate::home::{TestHome, save};
use crate::items::{Call, Meddled, Memory};
use crate::server::{API, EXPIRED, FRESH, ISSUER, Server, endpoint, first_tokens, provider_at};
use crate::session::{assert_stored, builder, lockable, signed_in};

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
    assert_eq!(session.token().await.unwrap().expose_secret(), "access-Y2FuYXJ5-2");
    login.abort();
    assert!(login.await.is_err_and(|ended| ended.is_cancelled()));

    assert_eq!(keyring.kind(), Ok(Some(StoreKind::Keyring)));
    assert_stored(&keyring, 2).await;
    let profile = home.home.profile("default").unwrap().unwrap();
    assert_eq!((profile.server, profile.provider), (None, None));
}

/// A login moves the session to the store of its choice and remembers its settings; the session
/// before, which may share its grant, is not revoked.
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
    assert_eq!(server.count(&format!("{ISSUER}/revoke")), 0);
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
    assert_eq!(last.token.as_deref(), Some("refresh-Y2FuYXJ5-2"));
}

/// A file that cannot be read keeps nobody from signing in again.
#[tokio::test]
async fn login_over_a_corrupt_file() {
    for choice in [StoreChoice::File, StoreChoice::Keyring, StoreChoice::Auto] {
        let (home, server) = (TestHome::with_file("{\"version\": 1, \"prof"), Server::new());
        let items = Memory::default();
        let session = builder(&home, &server).keyring(items.clone()).store(choice).build().unwrap();
        assert_eq!(session.token().await.unwrap_err().code(), "store_corrupt");
        // One that comes to nothing leaves it, and nothing else.
        begin_login(&session).await.abort();
        assert_eq!(home.text(), "{\"version\": 1, \"prof");
        assert_eq!((home.names().len(), items.names().len(), home.notices().len()), (1, 0, 0));
        server.approve();
        begin_login(&session).await.await.unwrap().unwrap();
        assert_eq!(session.token().await.unwrap().expose_secret(), "access-Y2FuYXJ5-2");
        let kept_as = home.kept("corrupt");
        assert_eq!(fs::read_to_string(&kept_as).unwrap(), "{\"version\": 1, \"prof");
        assert_eq!(home.notices(), [Notice::SetAside { kept_as }]);
    }
}

/// What a probe had written stayed where no file listed it.
#[tokio::test]
async fn a_keyring_that_does_not_give_back_what_was_probed_keeps_nothing() {
    let (home, server) = (TestHome::with_file("no JSON"), Server::new());
    let items = Memory::default();
    let keyring = Meddled::new(items.clone(), |call| match call {
        Call::Read => Err(StoreError::Unavailable("it cannot be read".to_owned())),
        Call::Write | Call::Delete => Ok(()),
    });
    let session = builder(&home, &server).keyring(keyring).build().unwrap();
    let refused = session.login(|_| ()).await.unwrap_err();
    assert_eq!(refused.code(), "store_unavailable", "{refused}");
    assert_eq!(items.names(), [""; 0]);
}

/// Nobody is shown a code who could not be signed in.
#[tokio::test]
async fn login_without_a_store() {
    for home in [TestHome::new(), TestHome::with_file("no JSON")] {
        let server = Server::new();
        let (keyring, locked) = lockable(&Memory::default());
        locked.store(true, Ordering::Relaxed);
        let session = builder(&home, &server).keyring(keyring).build().unwrap();
        let (shown, mut is_shown) = mpsc::unbounded_channel();
        let refused = session.login(move |_| shown.send(()).unwrap()).await.unwrap_err();
        assert_eq!(refused.code(), "store_locked", "{refused}");
        assert_eq!(is_shown.recv().await, None);
        assert!(server.log().is_empty());
    }
}
