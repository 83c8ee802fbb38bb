//! Rules 1 and 4 under clocks that are wrong.

use astropass_core::Dialect;

use super::server::Next;
use super::world::{World, codes, pass, token};

#[tokio::test(start_paused = true)]
async fn a_receipt_in_the_future_is_refreshed_once() {
    let world = World::signed_in(-86_400).await;
    let session = world.session();
    for _ in 0..10 {
        assert_eq!(token(&session).await.unwrap(), "access-1");
        pass(2).await;
    }
    assert_eq!(world.count("token"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_in_the_future_without_a_refresh_token_is_still_served() {
    let world = World::signed_in_with(Dialect::Standard, -600, |c| c.refresh_token = None).await;
    let session = world.session();
    assert_eq!(token(&session).await.unwrap(), "access-0");
    assert_eq!(world.count("token"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_clock_stepped_back_costs_one_refresh() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    pass(100).await;
    world.step_wall(-7200);
    for _ in 0..10 {
        assert_eq!(token(&session).await.unwrap(), "access-1");
        pass(2).await;
    }
    assert_eq!(world.count("token"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_stepped_forward_costs_one_refresh() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.step_wall(7200);
    pass(1).await;
    for _ in 0..10 {
        assert_eq!(token(&session).await.unwrap(), "access-1");
        pass(2).await;
    }
    assert_eq!(world.count("token"), 1);
}

/// The wall clock says that the token is young; the process that received it knows better.
#[tokio::test(start_paused = true)]
async fn a_clock_stepped_back_does_not_prolong_a_token() {
    let world = World::signed_in(3400).await;
    let session = world.session();
    assert_eq!(token(&session).await.unwrap(), "access-1");
    pass(3000).await;
    world.step_wall(-2900);
    pass(400).await;
    assert_eq!(token(&session).await.unwrap(), "access-2");
}

#[tokio::test(start_paused = true)]
async fn a_clock_stepped_back_does_not_bring_an_expired_token_back() {
    let world = World::signed_in(3400).await;
    let session = world.session();
    assert_eq!(token(&session).await.unwrap(), "access-1");
    world.server.next((0..100).map(|_| Next::Answer(503, "")));
    pass(3550).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
    world.step_wall(-3400);
    pass(100).await;
    assert_eq!(codes(token(&session).await), "server_unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_clock_stepped_back_while_the_server_is_down_does_not_lose_the_token() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.step_wall(-7200);
    world.server.next((0..20).map(|_| Next::Answer(503, "")));
    pass(1).await;
    for _ in 0..10 {
        assert_eq!(token(&session).await.unwrap(), "access-0");
        pass(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_not_served_however_the_store_was_read() {
    let world = World::signed_in(3600).await;
    world.server.end_session();
    assert_eq!(codes(token(&world.session()).await), "session_over");
}
