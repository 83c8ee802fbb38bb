//! Rule 2: one refresh at a time, everywhere.

use std::sync::Arc;
use std::time::Duration;

use astropass_core::{Dialect, Encoding, HttpErrorKind, LOCK_WAIT, Store, StoreError};
use tokio::task::JoinSet;

use super::server::{Hook, Next};
use super::world::{World, codes, pass, text, token};

#[tokio::test(start_paused = true)]
async fn sixteen_callers_of_two_sessions_with_an_expired_token_refresh_once() {
    let world = World::signed_in(7200).await;
    let sessions = [world.open().await, world.open().await];
    let mut callers = JoinSet::new();
    for number in 0..16 {
        let session = Arc::clone(&sessions[number % 2]);
        callers.spawn(async move { token(&session).await });
    }
    let tokens = callers.join_all().await;
    assert!(tokens.iter().all(|token| token.as_deref() == Ok("access-1")), "{tokens:?}");
    assert_eq!(world.count("token"), 1);
    assert_eq!(world.events(), ["refreshed"]);
}

#[tokio::test(start_paused = true)]
async fn callers_with_a_stale_token_refresh_once_and_do_not_wait_for_it() {
    let world = World::signed_in(3500).await;
    let sessions = [world.open().await, world.open().await];
    let mut callers = JoinSet::new();
    for number in 0..16 {
        let session = Arc::clone(&sessions[number % 2]);
        let runtime = world.runtime.clone();
        callers.spawn(async move {
            let before = astropass_core::Runtime::now(&runtime);
            let token = token(&session).await.unwrap();
            (token, astropass_core::Runtime::now(&runtime).since(before))
        });
    }
    let served = callers.join_all().await;
    let waited = served.iter().filter(|(_, time)| !time.is_zero()).count();
    assert_eq!(waited, 1, "only the one who refreshes waits: {served:?}");
    assert_eq!(world.count("token"), 1);
    pass(2).await;
    for session in &sessions {
        assert_eq!(token(session).await.unwrap(), "access-1");
    }
    assert_eq!(world.count("token"), 1);
    assert_eq!(world.events(), ["refreshed"], "that somebody else is refreshing is no failure");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_sends_the_token_just_read_and_not_the_one_in_memory() {
    let world = World::signed_in(0).await;
    let one = world.open().await;
    let other = world.open().await;
    pass(3400).await;
    assert_eq!(token(&other).await.unwrap(), "access-1");
    pass(3400).await;
    world.take_journal();
    assert_eq!(token(&one).await.unwrap(), "access-2");
    let sent: Vec<_> =
        world.take_journal().into_iter().filter(|entry| entry.starts_with("token")).collect();
    assert_eq!(sent, ["token refresh-1"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_sibling_refreshed_while_one_waited_is_not_refreshed_again() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let guard = world.store.inner.lock(Duration::ZERO).await.unwrap();
    let waiter = tokio::spawn({
        let session = Arc::clone(&session);
        async move { token(&session).await }
    });
    pass(3).await;
    world.put(&world.credentials(9)).await;
    drop(guard);
    assert_eq!(waiter.await.unwrap().unwrap(), "access-9");
    assert_eq!(world.count("token"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_whose_token_is_valid_uses_it_at_once() {
    let world = World::signed_in(3500).await;
    let session = world.open().await;
    let _guard = world.store.inner.lock(Duration::ZERO).await.unwrap();
    let (millis, served) = world.timed(token(&session)).await;
    assert_eq!((millis, served.unwrap().as_str()), (0, "access-0"));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_without_a_token_gives_up_after_the_deadline_and_five_seconds() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let _guard = world.store.inner.lock(Duration::ZERO).await.unwrap();
    let (millis, result) = world.timed(token(&session)).await;
    assert_eq!(codes(result), "store_busy");
    assert_eq!(u128::from(millis), LOCK_WAIT.as_millis());
}

/// The holder has stored it, and is still deleting what was there before.
#[tokio::test(start_paused = true)]
async fn a_waiter_who_gives_up_looks_for_the_token_once_more() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let _guard = world.store.inner.lock(Duration::ZERO).await.unwrap();
    let waiter = tokio::spawn({
        let session = Arc::clone(&session);
        async move { token(&session).await }
    });
    pass(30).await;
    world.put(&world.credentials(9)).await;
    assert_eq!(waiter.await.unwrap().unwrap(), "access-9");
    assert_eq!((world.count("token"), world.events()), (0, Vec::new()));
}

/// With a store in order, that is: see `LOCK_WAIT`.
#[tokio::test(start_paused = true)]
async fn the_slowest_refresh_ends_before_its_waiters_give_up() {
    let world = World::signed_in(7200).await;
    world.server.grace();
    let late = || Box::pin(tokio::time::sleep(Duration::from_millis(14_900))) as Hook;
    world.server.next([Next::Lost(HttpErrorKind::Timeout), Next::After(Box::new(late))]);
    let (one, other) = (world.open().await, world.open().await);
    let (millis, both) = world.timed(async { tokio::join!(token(&one), token(&other)) }).await;
    assert_eq!(both, (Ok("access-1".to_owned()), Ok("access-1".to_owned())));
    assert_eq!(world.count("token"), 2);
    assert!(millis > 29_000, "{millis}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_lets_the_lock_go() {
    let world = World::signed_in(7200).await;
    world.server.next([Next::Answer(503, "")]);
    assert_eq!(codes(token(&world.session()).await), "server_unavailable");
    assert!(world.store.inner.lock(Duration::ZERO).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_dropped_lets_the_lock_go() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let cut = tokio::time::timeout(Duration::from_millis(10), session.refresh(None)).await;
    assert!(cut.is_err());
    assert!(world.store.inner.lock(Duration::ZERO).await.is_ok());
}

/// Two refreshes of one session at once: the platform shares them, but need not.
#[tokio::test(start_paused = true)]
async fn two_refreshes_of_one_session_are_one_request() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let (one, other) =
        tokio::join!(Arc::clone(&session).refresh(None), Arc::clone(&session).refresh(None));
    assert_eq!(
        (text(&one.unwrap()), text(&other.unwrap())),
        ("access-1".into(), "access-1".into())
    );
    assert_eq!(world.count("token"), 1);
}

/// A slow first look must not overwrite what was refreshed meanwhile.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_does_not_bring_an_old_token_back() {
    let world = World::signed_in(7200).await;
    let session = world.session();
    world.store.delay("load", Duration::from_secs(20));
    let slow = tokio::spawn({
        let session = Arc::clone(&session);
        async move { session.fresh().await.map(drop) }
    });
    pass(1).await;
    world.store.fail("save", StoreError::Io("disk full".to_owned()), 3);
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.events(), ["not_saved store_io"]);
    slow.await.unwrap().unwrap();
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.stored().await.unwrap().1, "refresh-1");
}

/// Nor what it read before another call switched the organization.
#[tokio::test(start_paused = true)]
async fn a_reader_who_was_overtaken_by_a_switch_does_not_say_that_the_session_changed() {
    let workos = Dialect::WorkOs(Encoding::Json);
    let world = World::signed_in_with(workos, 0, |credentials| {
        credentials.identity.organization = Some("org_1".to_owned());
    })
    .await;
    let session = world.open().await;
    let rejected = world.credentials(0).access_token;
    world.open().await.refresh(Some(rejected)).await.unwrap();
    pass(5).await;
    world.store.answer_late("load", Duration::from_secs(20));
    let slow = tokio::spawn({
        let session = Arc::clone(&session);
        async move { token(&session).await }
    });
    pass(1).await;
    world.server.say_more(r#""organization_id":"org_2""#);
    let switched = Arc::clone(&session).switch_organization("org_2".to_owned()).await;
    let switched = text(&switched.unwrap());
    assert_eq!(slow.await.unwrap().unwrap(), switched);
    assert_eq!(token(&session).await.unwrap(), switched);
}

#[tokio::test(start_paused = true)]
async fn a_session_without_a_refresh_token_is_served_to_its_end() {
    let world = World::signed_in_with(Dialect::Standard, 3500, |c| c.refresh_token = None).await;
    let session = world.session();
    assert_eq!(token(&session).await.unwrap(), "access-0");
    assert_eq!(text(&Arc::clone(&session).refresh(None).await.unwrap()), "access-0");
    pass(99).await;
    assert_eq!(token(&session).await.unwrap(), "access-0");
    pass(1).await;
    assert_eq!(codes(token(&session).await), "session_over");
    assert_eq!(world.count("token"), 0);
    assert_eq!(world.count("clear"), 0);
}
