//! Rule 3: saved before seen.

use std::sync::Arc;
use std::time::Duration;

use astropass_core::StoreError;

use super::server::Next;
use super::store::ALWAYS;
use super::world::{World, codes, pass, text, token};

fn full() -> StoreError {
    StoreError::Io("disk full".to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_store_is_probed_before_the_request_and_saved_after_it() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    token(&session).await.unwrap();
    let journal = world.take_journal();
    let from_lock = journal.iter().skip_while(|entry| *entry != "lock");
    assert_eq!(
        from_lock.collect::<Vec<_>>(),
        ["lock", "revision", "probe", "token refresh-0", "save"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_written_keeps_the_request_from_being_sent() {
    let world = World::signed_in(3500).await;
    let session = world.open().await;
    world.store.fail("probe", StoreError::Locked(String::new()), ALWAYS);
    assert_eq!(token(&session).await.unwrap(), "access-0");
    pass(100).await;
    assert_eq!(codes(token(&session).await), "store_locked");
    assert_eq!(world.count("token"), 0);
    world.store.mend();
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn nobody_sees_a_rotated_token_that_is_not_stored() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.store.delay("save", Duration::from_secs(8));
    let caller = tokio::spawn({
        let session = Arc::clone(&session);
        async move { token(&session).await }
    });
    pass(7).await;
    assert!(!caller.is_finished());
    assert!(session.cached().is_none());
    assert_eq!(caller.await.unwrap().unwrap(), "access-1");
    assert_eq!(world.stored().await.unwrap().1, "refresh-1");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_does_not_take_the_rotated_token_along() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let refresh = tokio::spawn(async move { sender.send(session.refresh(None).await).is_err() });
    pass(0).await;
    drop(receiver);
    assert!(refresh.await.unwrap(), "somebody still listened");
    assert_eq!(world.stored().await.unwrap(), ("access-1".into(), "refresh-1".into()));
}

#[tokio::test(start_paused = true)]
async fn a_save_that_fails_is_tried_again_under_the_lock() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.store.fail("save", full(), 2);
    let (millis, served) = world.timed(token(&session)).await;
    assert_eq!(served.unwrap(), "access-1");
    assert_eq!(millis, 50 + 100 + 1000);
    assert_eq!((world.count("save"), world.count("lock")), (3, 1));
    assert_eq!(world.events(), ["refreshed"]);
    assert_eq!(world.stored().await.unwrap().1, "refresh-1");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_saved_is_served_with_an_event_and_saved_later() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.store.fail("save", full(), 3);
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.events(), ["not_saved store_io"]);
    assert_eq!(world.stored().await.unwrap().1, "refresh-0");
    pass(1).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.stored().await.unwrap(), ("access-1".into(), "refresh-1".into()));
    assert_eq!(world.events(), ["refreshed"]);
    assert_eq!(world.count("token"), 1);
}

/// Of a session that is made anew at what its provider says of itself now.
#[tokio::test(start_paused = true)]
async fn unsaved_tokens_outlive_a_login_elsewhere_at_the_provider_that_cannot_be_saved_either() {
    let world = World::signed_in(7200).await;
    let before = world.open().await;
    world.store.fail("save", full(), ALWAYS);
    assert_eq!(token(&before).await.unwrap(), "access-1");
    let mut session = Arc::into_inner(world.session()).unwrap();
    session.go_on_from(&before);
    let session = Arc::new(session);
    let grant = session.authorize_device(|_| {}).await.unwrap();
    assert_eq!(codes(session.establish(grant).await), "store_io");
    world.store.mend();
    pass(10).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.stored().await.unwrap(), ("access-1".into(), "refresh-1".into()));
}

#[tokio::test(start_paused = true)]
async fn unsaved_tokens_are_served_while_the_store_stays_broken_and_not_saved_at_each_call() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.store.fail("save", full(), ALWAYS);
    for _ in 0..600 {
        assert_eq!(token(&session).await.unwrap(), "access-1");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.count("token"), 1);
    assert!(world.count("save") < 12, "{}", world.count("save"));
    world.store.mend();
    pass(10).await;
    token(&session).await.unwrap();
    assert_eq!(world.stored().await.unwrap().1, "refresh-1");
}

/// What a rename that succeeded and a folder that could not be synced look like.
#[tokio::test(start_paused = true)]
async fn a_save_that_failed_after_its_work_is_not_taken_for_another_user() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.store.fail_after("save", full());
    assert_eq!(token(&session).await.unwrap(), "access-1");
    pass(2).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.stored().await.unwrap().1, "refresh-1");
    assert_eq!(world.count("token"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sibling_never_sends_the_token_that_an_unsaved_one_replaced() {
    let world = World::signed_in(7200).await;
    let (one, other) = (world.open().await, world.open().await);
    world.store.fail("save", full(), 3);
    assert_eq!(text(&Arc::clone(&one).refresh(None).await.unwrap()), "access-1");
    // Saved by whoever has them, before anybody else asks.
    pass(1).await;
    token(&one).await.unwrap();
    assert_eq!(token(&other).await.unwrap(), "access-1");
    assert_eq!(world.count("token"), 1);
}

/// As Zitadel writes that there is no new one.
#[tokio::test(start_paused = true)]
async fn an_empty_refresh_token_does_not_take_the_place_of_the_one_that_is_stored() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let body = r#"{"access_token":"Y2FuYXJ5-access","expires_in":3600,"refresh_token":""}"#;
    world.server.next([Next::Answer(200, body)]);
    assert_eq!(token(&session).await.unwrap(), "access");
    assert_eq!(world.stored().await.unwrap(), ("access".into(), "refresh-0".into()));
    pass(3500).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
}
