//! Rules 1 and 4 under clocks that are wrong.

use std::sync::Arc;
use std::time::Duration;

use astropass_core::{Dialect, HttpErrorKind};

use super::server::{Hook, Next};
use super::world::{Session, World, codes, pass, secret, text, token};

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

const DAY: i64 = 86_400;

async fn log_in(session: &Arc<Session>) {
    let grant = session.authorize_device(|_| {}).await.unwrap();
    session.establish(grant).await.unwrap();
}

/// Asks for the token once a minute, so often, and gives how many requests that cost.
async fn minutes(world: &World, session: &Arc<Session>, number: u64) -> usize {
    let before = world.count("token");
    for _ in 0..number {
        token(session).await.unwrap();
        pass(60).await;
    }
    world.count("token") - before
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_by_a_day_makes_no_difference() {
    for wrong in [DAY, -DAY] {
        let world = World::new(Dialect::Standard);
        world.step_wall(wrong);
        let session = world.session();
        log_in(&session).await;
        assert_eq!(minutes(&world, &session, 50).await, 0, "it is as old as it is: {wrong}");
        assert_eq!(minutes(&world, &session, 20).await, 1, "{wrong}");
        // So it is for a program that begins now.
        assert_eq!(minutes(&world, &world.session(), 30).await, 0, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_right_by_a_day_costs_one_refresh() {
    for wrong in [DAY, -DAY] {
        let world = World::new(Dialect::Standard);
        world.step_wall(wrong);
        let session = world.session();
        log_in(&session).await;
        assert_eq!(minutes(&world, &session, 10).await, 0, "{wrong}");
        world.step_wall(-wrong);
        assert_eq!(minutes(&world, &session, 30).await, 1, "{wrong}");
        assert_eq!(minutes(&world, &world.session(), 10).await, 0, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_stepped_during_a_login_neither_ends_nor_prolongs_it() {
    for step in [DAY, -DAY] {
        let world = World::new(Dialect::Standard);
        let pending = || Next::Answer(400, r#"{"error":"authorization_pending"}"#);
        let start = r#"{"device_code":"d","user_code":"A","expires_in":300,
            "verification_uri":"https://op.example/"}"#;
        world.server.next([Next::Answer(200, start)]);
        world.server.next((0..20).map(|_| pending()));
        let session = world.session();
        let login = {
            let session = Arc::clone(&session);
            tokio::spawn(async move { log_in(&session).await })
        };
        pass(50).await;
        world.step_wall(step);
        login.await.unwrap();
        assert_eq!(world.count("token"), 21, "{step}");
        assert_eq!(minutes(&world, &session, 50).await, 0, "{step}");

        world.server.next([Next::Answer(200, start)]);
        world.server.next((0..100).map(|_| pending()));
        let again = world.session();
        let login = tokio::spawn(async move { again.authorize_device(|_| {}).await.map(drop) });
        pass(50).await;
        world.step_wall(step);
        let (millis, ended) = world.timed(async { login.await.unwrap() }).await;
        assert_eq!(codes(ended), "login_expired");
        assert!((249_000..=251_000).contains(&millis), "{millis}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_laptop_asleep_for_eight_hours_in_the_middle_of_a_poll() {
    const ASLEEP: u64 = 8 * 3600;
    let asleep = || -> Hook { Box::pin(pass(ASLEEP)) };
    let start = Next::Answer(
        200,
        r#"{"device_code":"d","user_code":"A","expires_in":300,
            "verification_uri":"https://op.example/"}"#,
    );
    // The connection did not survive it.
    let world = World::signed_in(0).await;
    world.server.next([start, Next::Slept(ASLEEP)]);
    let ended = world.session().authorize_device(|_| {}).await.map(drop);
    assert_eq!(codes(ended), "login_expired");
    assert_eq!(world.count("token"), 1, "nobody is asked again for what has expired");
    assert_eq!(world.stored().await.unwrap().0, "access-0", "the earlier session is still there");

    // It did, and the user had approved.
    let world = World::new(Dialect::Standard);
    let start = r#"{"device_code":"d","user_code":"A","expires_in":300,
        "verification_uri":"https://op.example/"}"#;
    world.server.next([Next::Answer(200, start), Next::After(Box::new(asleep))]);
    let session = world.session();
    log_in(&session).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");

    // The same to a refresh: the session goes on.
    let world = World::signed_in(3500).await;
    world.server.next([Next::Slept(ASLEEP)]);
    let session = world.session();
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

/// On macOS and in most browsers neither the monotonic clock nor a timer counts a sleep: it is what a
/// step of the wall clock is, and the server's word ends a login that has slept too long.
#[tokio::test(start_paused = true)]
async fn a_laptop_asleep_in_a_poll_whose_monotonic_clock_stops() {
    const ASLEEP: i64 = 8 * 3600;
    const EXPIRED: &str = r#"{"error":"expired_token"}"#;
    let start = || {
        let start = r#"{"device_code":"d","user_code":"A","expires_in":300,
            "verification_uri":"https://op.example/"}"#;
        Next::Answer(200, start)
    };
    let pending = || Next::Answer(400, r#"{"error":"authorization_pending"}"#);
    let interrupted = || Next::NotSent(HttpErrorKind::Interrupted);
    // The answer had come, or the connection did not survive.
    for first in [pending(), interrupted()] {
        let world = World::signed_in(0).await;
        world.server.next([start(), first, Next::Answer(400, EXPIRED)]);
        let session = world.session();
        let login = tokio::spawn(async move { session.authorize_device(|_| {}).await.map(drop) });
        tokio::time::sleep(Duration::from_millis(5075)).await;
        assert_eq!(world.count("token"), 1, "in the middle of it");
        world.step_wall(ASLEEP);
        assert_eq!(codes(login.await.unwrap()), "login_expired");
        assert_eq!(world.count("token"), 2, "asked once more");
        assert_eq!(world.stored().await.unwrap().0, "access-0", "the earlier session is there");
    }

    // A server that never says so is asked as often as it would have been without the sleep.
    let world = World::signed_in(0).await;
    world.server.next(std::iter::once(start()).chain((0..100).map(|_| pending())));
    let session = world.session();
    let login = tokio::spawn(async move { session.authorize_device(|_| {}).await.map(drop) });
    tokio::time::sleep(Duration::from_millis(5075)).await;
    world.step_wall(ASLEEP);
    assert_eq!(codes(login.await.unwrap()), "login_expired");
    assert!(world.count("token") <= 60, "{}", world.count("token"));

    // The user had approved: what comes after the sleep is fresh from then on.
    let world = Arc::new(World::new(Dialect::Standard));
    let slept = Arc::clone(&world);
    let asleep = move || -> Hook { Box::pin(async move { slept.step_wall(ASLEEP) }) };
    world.server.next([start(), Next::After(Box::new(asleep))]);
    let session = world.session();
    log_in(&session).await;
    assert_eq!(minutes(&world, &session, 50).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expired_in_a_sleep_was_given_for_a_second() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    assert_eq!(token(&session).await.unwrap(), "access-0");
    world.step_wall(8 * 3600);
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.count("token"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_of_a_second_is_a_refresh_a_second() {
    let world = World::signed_in(7200).await;
    world.server.say_more(r#""expires_in":1"#);
    let session = world.session();
    for _ in 0..100 {
        token(&session).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refreshes = world.count("token");
    assert!((5..=11).contains(&refreshes), "{refreshes} in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_of_ten_years_is_used_for_ten_years() {
    const TEN_YEARS: u64 = 10 * 365 * DAY as u64;
    let world = World::signed_in(7200).await;
    world.server.say_more(&format!(r#""expires_in":{TEN_YEARS}"#));
    let session = world.session();
    for _ in 0..9 {
        assert_eq!(token(&session).await.unwrap(), "access-1");
        pass(TEN_YEARS / 10).await;
    }
    assert_eq!(world.count("token"), 1);
    pass(TEN_YEARS / 10).await;
    assert_eq!(token(&session).await.unwrap(), "access-2");
    assert_eq!(world.count("token"), 2);
}

/// The next program takes the token for young, and its server knows better.
#[tokio::test(start_paused = true)]
async fn a_clock_set_back_between_processes_costs_at_most_one_401() {
    for back in [600, 3600, DAY] {
        let world = World::new(Dialect::Standard);
        log_in(&world.session()).await;
        pass(3600).await;
        world.step_wall(-back);
        let mut rejections = 0;
        for _ in 0..3 {
            let session = world.session();
            for _ in 0..5 {
                if token(&session).await.unwrap() == "access-1" {
                    // It has expired an hour ago.
                    rejections += 1;
                    let rejected = secret("access-1");
                    let new = Arc::clone(&session).refresh(Some(rejected)).await.unwrap();
                    assert_eq!(text(&new), "access-2");
                }
                pass(5).await;
            }
        }
        assert!(rejections <= 1, "{rejections} of {back} s");
        assert_eq!(world.count("token"), 2, "the login and one refresh: {back}");
    }
}
