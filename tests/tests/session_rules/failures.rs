//! Rule 4: only the server ends a session, or its user.

use std::sync::Arc;
use std::time::Duration;

use astropass_core::{HttpErrorKind, StoreError};

use super::server::Next;
use super::store::ALWAYS;
use super::world::{World, codes, pass, text, token};

/// The token is served until it expires, the error comes after that, nothing is deleted, and as
/// soon as the failure is over so is its trouble.
async fn passes_by(next: fn() -> Next, code: &str) {
    let world = World::signed_in(3500).await;
    let session = world.open().await;
    world.server.next((0..100).map(|_| next()));
    for _ in 0..10 {
        assert_eq!(token(&session).await.unwrap(), "access-0", "{code}");
    }
    assert_eq!(world.events(), [format!("refresh_failed {code}")]);
    pass(100).await;
    assert_eq!(codes(token(&session).await), code);
    assert_eq!(world.stored().await.unwrap(), ("access-0".into(), "refresh-0".into()));
    assert_eq!((world.count("save"), world.count("clear")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_out_of_order_does_not_end_the_session() {
    passes_by(|| Next::Answer(503, ""), "server_unavailable").await;
    passes_by(|| Next::Answer(500, r#"{"error":"invalid_grant"}"#), "server_unavailable").await;
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_do_not_end_the_session() {
    passes_by(|| Next::Answer(429, ""), "server_unavailable").await;
}

#[tokio::test(start_paused = true)]
async fn no_network_does_not_end_the_session() {
    passes_by(|| Next::NotSent(HttpErrorKind::Connect), "network").await;
    passes_by(|| Next::NotSent(HttpErrorKind::Certificate), "certificate_refused").await;
}

#[tokio::test(start_paused = true)]
async fn a_captive_portal_does_not_end_the_session() {
    passes_by(|| Next::Answer(200, "<html>"), "malformed_response").await;
    passes_by(|| Next::Answer(403, "<html>"), "malformed_response").await;
}

#[tokio::test(start_paused = true)]
async fn another_error_of_the_server_does_not_end_the_session() {
    passes_by(|| Next::Answer(401, r#"{"error":"invalid_client"}"#), "server_error").await;
}

#[tokio::test(start_paused = true)]
async fn time_outs_do_not_end_the_session() {
    let world = World::signed_in(3400).await;
    let session = world.open().await;
    world.server.next((0..4).map(|_| Next::NotSent(HttpErrorKind::Timeout)));
    let (millis, served) = world.timed(token(&session)).await;
    assert_eq!(served.unwrap(), "access-0");
    assert_eq!(millis, 30_000, "two attempts of 15 s");
    assert_eq!(world.events(), ["refresh_failed timeout"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_in_trouble_does_not_end_the_session() {
    for call in ["revision", "lock", "probe"] {
        let world = World::signed_in(3500).await;
        let session = world.open().await;
        world.store.fail(call, StoreError::Locked(String::new()), ALWAYS);
        for _ in 0..10 {
            assert_eq!(token(&session).await.unwrap(), "access-0", "{call}");
        }
        pass(100).await;
        assert_eq!(codes(token(&session).await), "store_locked", "{call}");
        assert_eq!(world.stored().await.unwrap().0, "access-0", "{call}");
        assert_eq!(world.count("clear"), 0, "{call}");
        world.store.mend();
        assert_eq!(token(&session).await.unwrap(), "access-1", "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_keyring_that_is_locked_after_a_sibling_s_refresh_does_not_end_the_session() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.put(&world.credentials(1)).await;
    world.store.fail("load", StoreError::Locked(String::new()), ALWAYS);
    pass(5).await;
    assert_eq!(token(&session).await.unwrap(), "access-0");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_at_first_is_an_error_and_is_left_alone() {
    for error in [StoreError::Locked(String::new()), StoreError::Corrupt(String::new())] {
        let world = World::signed_in(0).await;
        let session = world.session();
        let code = error.code();
        world.store.fail("load", error, 1);
        assert_eq!(codes(token(&session).await), code);
        assert_eq!(token(&session).await.unwrap(), "access-0");
        assert_eq!((world.count("save"), world.count("clear")), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_ailing_server_is_asked_every_ten_seconds_and_not_at_each_call() {
    let world = World::signed_in(3350).await;
    let session = world.open().await;
    world.server.next((0..100).map(|_| Next::Answer(503, "")));
    for _ in 0..600 {
        token(&session).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!((5..=6).contains(&world.count("token")), "{}", world.count("token"));
    assert_eq!(world.count("lock"), world.count("token"), "nor is the lock taken");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_names_a_time_is_left_alone_until_then() {
    let world = World::signed_in(3350).await;
    let session = world.open().await;
    world.server.next([Next::Later(429, 60)]);
    for _ in 0..59 {
        assert_eq!(token(&session).await.unwrap(), "access-0");
        pass(1).await;
    }
    assert_eq!(world.count("token"), 1);
    pass(2).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

/// A program that refreshes in the background, more often than failures are retried.
#[tokio::test(start_paused = true)]
async fn asking_often_does_not_put_the_next_attempt_off() {
    let world = World::signed_in(3400).await;
    let session = world.open().await;
    world.server.next([Next::Answer(503, "")]);
    for _ in 0..5 {
        let served = Arc::clone(&session).refresh(None).await.unwrap();
        assert_eq!(text(&served), "access-0");
        pass(2).await;
    }
    let served = Arc::clone(&session).refresh(None).await.unwrap();
    assert_eq!(text(&served), "access-1");
    assert_eq!(world.events(), ["refresh_failed server_unavailable", "refreshed"]);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_asks_again_at_once_when_the_caller_does() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.server.next([Next::Answer(503, "")]);
    assert_eq!(codes(token(&session).await), "server_unavailable");
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_names_a_time_is_left_alone_by_an_expired_token_too() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.server.next([Next::Later(429, 60)]);
    for _ in 0..59 {
        assert_eq!(codes(token(&session).await), "server_unavailable");
        pass(1).await;
    }
    assert_eq!((world.count("token"), world.count("probe")), (1, 1));
    pass(2).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_names_years_is_asked_again_after_five_minutes() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.server.next([Next::Later(503, u32::MAX)]);
    assert_eq!(codes(token(&session).await), "server_unavailable");
    pass(301).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_asked_for_again_at_once_with_the_same_token() {
    for kind in [HttpErrorKind::Timeout, HttpErrorKind::Interrupted] {
        let world = World::signed_in(7200).await;
        let session = world.open().await;
        world.server.grace();
        world.server.next([Next::Lost(kind)]);
        assert_eq!(token(&session).await.unwrap(), "access-1");
        let journal = world.take_journal();
        let from_probe = journal.iter().skip_while(|entry| *entry != "probe");
        assert_eq!(
            from_probe.collect::<Vec<_>>(),
            ["probe", "token refresh-0", "token refresh-0", "save"],
            "{kind:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_lost_for_good_ends_the_session_for_all_and_deletes_nothing() {
    let world = World::signed_in(3500).await;
    let (one, other) = (world.open().await, world.open().await);
    world.server.next([Next::Lost(HttpErrorKind::Interrupted)]);
    for _ in 0..50 {
        assert_eq!(codes(token(&one).await), "session_over");
        assert_eq!(codes(token(&other).await), "session_over");
        pass(1).await;
    }
    assert_eq!(world.count("token"), 3, "two by the one, one by the other");
    assert_eq!(world.events(), ["session_over", "session_over"], "each says it once");
    assert_eq!((world.count("save"), world.count("clear")), (0, 0));
    assert!(world.stored().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_is_not_asked_for_a_second_time() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.server.end_session();
    for _ in 0..100 {
        assert_eq!(codes(token(&session).await), "session_over");
    }
    assert_eq!(world.count("token"), 1);
    assert_eq!(world.events(), ["session_over"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_login_elsewhere_is_taken_up_after_the_end() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.server.end_session();
    assert_eq!(codes(token(&session).await), "session_over");
    world.put(&world.credentials(5)).await;
    assert_eq!(token(&session).await.unwrap(), "access-5");
}

/// A sibling that shares no lock, on a network file system or in a sandbox of its own.
#[tokio::test(start_paused = true)]
async fn invalid_grant_looks_for_a_sibling_s_newer_token_first() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let (store, newer) = (world.store.clone(), world.credentials(8));
    world.server.end_session();
    world
        .server
        .next([Next::After(Box::new(move || Box::pin(async move { store.put(&newer).await })))]);
    assert_eq!(token(&session).await.unwrap(), "access-8");
    assert_eq!(world.events(), [""; 0]);
    assert_eq!(world.count("token"), 1);
}

#[tokio::test(start_paused = true)]
async fn invalid_grant_while_the_store_cannot_be_read_is_not_the_end() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let store = world.store.clone();
    world.server.end_session();
    world.server.next([Next::After(Box::new(move || {
        Box::pin(async move { store.fail("revision", StoreError::Io(String::new()), 1) })
    }))]);
    assert_eq!(codes(token(&session).await), "store_io");
    assert_eq!(codes(token(&session).await), "session_over");
}
