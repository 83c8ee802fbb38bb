//! A grant that cannot be stored is held by nobody: it is taken back where that ends nothing else.

use std::sync::Arc;

use astropass_core::{Dialect, Encoding, Grant, HttpErrorKind, Secret, StoreError};

use super::server::Next;
use super::store::ALWAYS;
use super::world::{Session, World, codes, pass, token};

const WORKOS: Dialect = Dialect::WorkOs(Encoding::Json);
/// {"sid":"session_1"}
const OF_A_SESSION: &str = "e30.eyJzaWQiOiJzZXNzaW9uXzEifQ.Y2FuYXJ5";
const SIGNED_OUT: &str = "revoke https://op.example/revoke?session_id=session_1";

/// A login that was approved at WorkOS, and is stored nowhere yet.
async fn approved(world: &World) -> (Arc<Session>, Box<Grant>) {
    let session = world.session();
    let mut grant = session.authorize_device(|_| {}).await.unwrap();
    grant.access_token = Secret::new(OF_A_SESSION.to_owned());
    (session, grant)
}

/// Nobody would hold the session that the server keeps.
#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_be_saved_is_signed_out_at_the_server() {
    for call in ["lock", "revision", "save"] {
        for answer in
            [Next::Answer(302, ""), Next::Answer(503, ""), Next::Lost(HttpErrorKind::Timeout)]
        {
            let world = World::new(WORKOS);
            let (session, grant) = approved(&world).await;
            world.store.fail(call, StoreError::Io(String::new()), ALWAYS);
            world.server.next([answer]);
            let (millis, result) = world.timed(session.establish(grant)).await;
            assert_eq!(codes(result), "store_io");
            assert_eq!(world.take_journal().pop().unwrap(), SIGNED_OUT);
            assert!(millis <= 11_100, "{millis}");
            assert_eq!(world.events(), [""; 0]);
            world.store.mend();
            assert!(world.stored().await.is_none());
        }
    }
}

/// Not to be taken back: what is stored is the session, whatever the save said.
#[tokio::test(start_paused = true)]
async fn a_login_whose_last_save_failed_after_its_work_is_stored() {
    let world = World::new(WORKOS);
    let (session, grant) = approved(&world).await;
    world.store.fail("save", StoreError::Io(String::new()), 2);
    let store = world.store.clone();
    let last = tokio::spawn(async move {
        // Between the second attempt and the third.
        pass(1).await;
        store.fail_after("save", StoreError::Unavailable("slow".to_owned()));
    });
    session.establish(grant).await.unwrap();
    last.await.unwrap();
    assert_eq!((world.count("save"), world.count("revoke")), (3, 0));
    assert_eq!(world.stored().await.unwrap().1, "refresh-1");
    assert!(token(&session).await.is_ok());
}

/// Its user has it elsewhere too.
#[tokio::test(start_paused = true)]
async fn a_pasted_token_that_cannot_be_saved_is_not_taken_back() {
    let world = World::new(WORKOS);
    let (session, mut grant) = approved(&world).await;
    grant.refresh_token = None;
    world.store.fail("save", StoreError::Io(String::new()), 3);
    assert_eq!(codes(session.establish(grant).await), "store_io");
    assert_eq!(world.count("revoke"), 0);
}

/// Here and on other machines: a standard provider keeps one grant for all that a user's browser
/// has approved.
#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_be_saved_ends_no_other_one_of_its_user() {
    let world = World::new(Dialect::Standard);
    let session = world.session();
    let grant = session.authorize_device(|_| {}).await.unwrap();
    world.store.fail("save", StoreError::Io(String::new()), 3);
    assert_eq!(codes(session.establish(grant).await), "store_io");
    assert_eq!(world.count("revoke"), 0);
}

/// As after a login in a browser that WorkOS still knew.
#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_be_saved_does_not_end_the_session_that_it_shares() {
    let world = World::new(WORKOS);
    let (session, grant) = approved(&world).await;
    session.establish(grant.clone()).await.unwrap();
    world.store.fail("save", StoreError::Io(String::new()), 3);
    assert_eq!(codes(session.establish(grant).await), "store_io");
    assert_eq!(world.count("revoke"), 0);
}

/// In a page a database that hung was written after all, and what it then held was signed out.
#[tokio::test(start_paused = true)]
async fn a_login_that_may_be_stored_is_not_taken_back() {
    let world = World::new(WORKOS);
    let (session, grant) = approved(&world).await;
    let hung = || StoreError::Unavailable("hung".to_owned());
    world.store.fail("load", hung(), ALWAYS);
    world.store.fail("save", hung(), 2);
    let store = world.store.clone();
    let last = tokio::spawn(async move {
        // Between the second attempt and the third.
        pass(1).await;
        store.fail_after("save", hung());
    });
    assert_eq!(codes(session.establish(grant).await), "store_unavailable");
    last.await.unwrap();
    world.store.mend();
    assert_eq!(world.count("revoke"), 0);
    assert_eq!(world.stored().await.unwrap().1, "refresh-1");
}

/// A keyring that was locked meanwhile keeps it from being compared.
#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_be_saved_does_not_end_a_session_that_cannot_be_read() {
    let world = World::new(WORKOS);
    let (session, grant) = approved(&world).await;
    session.establish(grant.clone()).await.unwrap();
    for call in ["load", "save"] {
        world.store.fail(call, StoreError::Locked(String::new()), ALWAYS);
    }
    assert_eq!(codes(session.establish(grant).await), "store_locked");
    assert_eq!(world.count("revoke"), 0);
}
