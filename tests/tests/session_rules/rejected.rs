//! Rule 11: one 401, one refresh.

use std::sync::Arc;

use astropass_core::Dialect;
use tokio::task::JoinSet;

use super::server::Next;
use super::world::{World, codes, pass, secret, text, token};

#[tokio::test(start_paused = true)]
async fn a_401_refreshes_a_token_that_looks_fresh() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    let refreshed = session.clone().refresh(Some(secret("access-0"))).await.unwrap();
    assert_eq!(text(&refreshed), "access-1");
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn sixteen_rejections_of_one_token_are_one_refresh() {
    let world = World::signed_in(0).await;
    let sessions = [world.open().await, world.open().await];
    let mut callers = JoinSet::new();
    for number in 0..16 {
        let session = Arc::clone(&sessions[number % 2]);
        callers.spawn(async move { session.refresh(Some(secret("access-0"))).await });
    }
    for served in callers.join_all().await {
        assert_eq!(text(&served.unwrap()), "access-1");
    }
    assert_eq!(world.count("token"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_that_is_no_longer_current_costs_nothing() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.put(&world.credentials(4)).await;
    let served = session.refresh(Some(secret("access-0"))).await.unwrap();
    assert_eq!(text(&served), "access-4");
    assert_eq!(world.count("token"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_not_given_again_when_its_refresh_fails() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.server.next([Next::Answer(503, "")]);
    let failed = Arc::clone(&session).refresh(Some(secret("access-0"))).await;
    assert_eq!(codes(failed), "server_unavailable");
    let served = session.refresh(Some(secret("access-0"))).await.unwrap();
    assert_eq!(text(&served), "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_without_a_refresh_token_is_the_end() {
    let world = World::signed_in_with(Dialect::Standard, 0, |c| c.refresh_token = None).await;
    let session = world.open().await;
    assert_eq!(codes(session.refresh(Some(secret("access-0"))).await), "session_over");
    assert_eq!((world.count("token"), world.count("clear")), (0, 0));
}

/// The API server and the authorization server agree that it is over; its clock does not matter.
#[tokio::test(start_paused = true)]
async fn a_session_that_ended_on_a_401_is_over_for_every_caller() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.server.end_session();
    let over = Arc::clone(&session).refresh(Some(secret("access-0"))).await;
    assert_eq!(codes(over), "session_over");
    for _ in 0..3 {
        assert!(session.cached().is_none());
        assert_eq!(codes(token(&session).await), "session_over");
        pass(1).await;
    }
    assert_eq!(world.count("token"), 1);
}
