//! Rule 10: logout always works.

use std::sync::Arc;

use astropass_core::{Cleared, Dialect, Error, HttpErrorKind, StoreError};

use super::server::Next;
use super::store::ALWAYS;
use super::world::{World, codes, pass, token};

#[tokio::test(start_paused = true)]
async fn the_server_is_told_before_the_store_is_cleared() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    let signed_out = session.logout().await.unwrap();
    assert_eq!(signed_out.revoked, Some(Ok(())));
    assert_eq!(signed_out.cleared, Cleared::Everything);
    assert_eq!(world.take_journal(), ["lock", "revision", "load", "revoke refresh-0", "clear"]);
    assert!(session.cached().is_none());
    assert_eq!(codes(token(&session).await), "not_signed_in");
    assert_eq!(world.events(), ["signed_out"]);
    assert_eq!(codes(session.logout().await), "not_signed_in");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_is_not_confirmed_does_not_keep_anybody_signed_in() {
    for (next, code) in [
        (Next::Answer(503, ""), "server_unavailable"),
        (Next::NotSent(HttpErrorKind::Connect), "network"),
        (Next::Lost(HttpErrorKind::Timeout), "timeout"),
        (Next::Answer(404, "<html>"), "malformed_response"),
    ] {
        let world = World::signed_in(0).await;
        let session = world.session();
        world.server.next([next]);
        let (millis, signed_out) = world.timed(session.logout()).await;
        let revoked = signed_out.unwrap().revoked.unwrap();
        assert_eq!(codes(revoked), code);
        assert!(millis <= 10_000, "{millis}");
        assert!(world.stored().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_locked_store_does_not_keep_anybody_signed_in() {
    let world = World::signed_in(0).await;
    let session = world.session();
    world.store.fail("load", StoreError::Locked(String::new()), ALWAYS);
    let signed_out = session.logout().await.unwrap();
    let locked = Error::from(StoreError::Locked(String::new()));
    assert_eq!(signed_out.revoked, Some(Err(locked)));
    assert!(world.stored().await.is_none());
    assert_eq!(world.count("revoke"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_revocation_is_not_asked() {
    let mut world = World::signed_in(0).await;
    world.provider.endpoints.revocation = None;
    assert_eq!(world.session().logout().await.unwrap().revoked, None);
    assert!(world.stored().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn workos_without_a_session_id_is_not_asked() {
    use astropass_core::Encoding;
    let world = World::signed_in_with(Dialect::WorkOs(Encoding::Json), 0, |_| {}).await;
    assert_eq!(world.session().logout().await.unwrap().revoked, None);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_cleared_is_an_error_and_stays() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.store.fail("clear", StoreError::Denied(String::new()), 1);
    assert_eq!(codes(session.logout().await), "store_denied");
    assert!(world.stored().await.is_some());
    assert_eq!(world.events(), [""; 0]);
    assert!(session.logout().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_logout_waits_for_a_refresh_under_way_and_revokes_its_token() {
    let world = World::signed_in(7200).await;
    let (one, other) = (world.open().await, world.open().await);
    let refresh = tokio::spawn(one.refresh(None));
    tokio::task::yield_now().await;
    other.logout().await.unwrap();
    assert!(refresh.await.unwrap().is_ok());
    assert!(world.stored().await.is_none());
    assert_eq!(world.take_journal().iter().filter(|entry| entry.starts_with("revoke")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_could_not_be_saved_are_the_ones_revoked() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.store.fail("save", StoreError::Io(String::new()), 3);
    assert_eq!(token(&session).await.unwrap(), "access-1");
    world.take_journal();
    session.logout().await.unwrap();
    let journal = world.take_journal();
    assert!(journal.contains(&"revoke refresh-1".to_owned()), "{journal:?}");
    assert!(world.stored().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_sibling_sees_the_logout_and_asks_nobody() {
    let world = World::signed_in(0).await;
    let (one, other) = (world.open().await, world.open().await);
    one.logout().await.unwrap();
    world.take_journal();
    pass(1).await;
    assert_eq!(codes(token(&other).await), "not_signed_in");
    assert_eq!(codes(Arc::clone(&other).refresh(None).await), "not_signed_in");
    assert_eq!((world.count("token"), world.count("save")), (0, 0));
}
