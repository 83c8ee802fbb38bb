//! Rule 1: fresh means no I/O.

use std::time::Duration;

use astropass_core::{Dialect, StoreError};

use super::store::ALWAYS;
use super::world::{World, pass, token};

#[tokio::test(start_paused = true)]
async fn a_fresh_token_costs_no_io() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    for _ in 0..1000 {
        assert_eq!(token(&session).await.unwrap(), "access-0");
        assert!(session.cached().is_some());
    }
    assert_eq!(world.take_journal(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_at_most_once_a_second_and_read_once() {
    let world = World::signed_in(0).await;
    let session = world.session();
    for _ in 0..1000 {
        token(&session).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.count("revision"), 10);
    assert_eq!(world.count("load"), 1);
    assert_eq!(world.count("lock"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_broken_store_too_is_asked_at_most_once_a_second() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.store.fail("revision", StoreError::Io("gone".to_owned()), ALWAYS);
    for _ in 0..1000 {
        assert_eq!(token(&session).await.unwrap(), "access-0");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!((9..=10).contains(&world.count("revision")), "{}", world.count("revision"));
}

#[tokio::test(start_paused = true)]
async fn a_sibling_s_refresh_is_taken_up_within_a_second() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.put(&world.credentials(7)).await;
    assert_eq!(token(&session).await.unwrap(), "access-0");
    pass(1).await;
    assert_eq!(token(&session).await.unwrap(), "access-7");
}

#[tokio::test(start_paused = true)]
async fn an_hour_s_token_is_refreshed_five_minutes_before_its_end() {
    let world = World::signed_in(3299).await;
    let session = world.open().await;
    assert_eq!(token(&session).await.unwrap(), "access-0");
    pass(1).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.count("token"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_minute_s_token_is_refreshed_a_fifth_before_its_end() {
    let short = |age| World::signed_in_with(Dialect::Standard, age, |c| c.lifetime = Some(60));
    assert_eq!(token(&short(47).await.session()).await.unwrap(), "access-0");
    assert_eq!(token(&short(48).await.session()).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn memory_is_not_trusted_beyond_the_margin() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    tokio::time::sleep(Duration::from_millis(3_299_500)).await;
    token(&session).await.unwrap();
    assert!(session.cached().is_some());
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert!(session.cached().is_none());
}

#[tokio::test(start_paused = true)]
async fn without_an_expiry_a_token_is_used_until_a_401() {
    let world = World::signed_in_with(Dialect::Standard, 0, |c| c.lifetime = None).await;
    let session = world.session();
    for _ in 0..100 {
        assert_eq!(token(&session).await.unwrap(), "access-0");
        pass(86_400).await;
    }
    let rejected = session.fresh().await.unwrap().unwrap().secret().clone();
    assert_eq!(world.count("token"), 0);
    session.clone().refresh(Some(rejected)).await.unwrap();
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn nobody_signed_in_is_an_error_and_no_request() {
    let world = World::new(Dialect::Standard);
    let session = world.session();
    assert_eq!(super::world::codes(token(&session).await), "not_signed_in");
    assert_eq!(world.take_journal(), ["revision"]);
}
