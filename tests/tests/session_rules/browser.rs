//! A login by the browser, a token that was pasted, and what Astro cloud asks of both.

use astropass_core::flow::Pending;
use astropass_core::{Dialect, Endpoint, Secret, StoreError};

use super::server::Next;
use super::world::{World, codes, pass, secret, token};

const REDIRECT: &str = "http://127.0.0.1:1/callback";

fn at(path: &str) -> Option<Endpoint> {
    Some(Endpoint::parse(&format!("https://op.example/{path}")).unwrap())
}

fn world(dialect: Dialect) -> World {
    let mut world = World::new(dialect);
    world.provider.endpoints.authorization = at("authorize");
    world.provider.endpoints.userinfo = at("me");
    world
}

/// The URL that the browser comes back to from `url`.
fn callback(url: &Endpoint) -> String {
    let (_, query) = url.as_str().split_once('?').unwrap();
    let (_, state) =
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").unwrap();
    format!("{REDIRECT}?code=c&state={state}")
}

fn begin(world: &World) -> (String, Pending) {
    let (url, pending) = world.session().begin_code(REDIRECT, &[], &[7; 48].into()).unwrap();
    (callback(&url), pending)
}

#[tokio::test(start_paused = true)]
async fn a_login_by_the_browser_is_one_request_and_a_session() {
    let world = world(Dialect::Standard);
    let session = world.session();
    let (callback, pending) = begin(&world);
    assert!(world.take_journal().is_empty(), "to begin is to send nothing");
    let grant = session.redeem(pending, &callback).await.unwrap();
    session.establish(grant).await.unwrap();
    let sent = world.server.requests();
    assert_eq!(sent[0].field("redirect_uri"), Some(REDIRECT));
    assert_eq!(sent[0].field("code_verifier").map(str::len), Some(43));
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_login_begun_at_another_provider_is_not_ended_at_this_one() {
    for change in [
        |world: &mut World| world.provider.issuer = "https://other.example".to_owned(),
        |world: &mut World| world.provider.client_id = "other".to_owned(),
    ] {
        let mut world = world(Dialect::Standard);
        let (callback, pending) = begin(&world);
        change(&mut world);
        let result = world.session().redeem(pending, &callback).await;
        assert_eq!((codes(result), world.count("token")), ("invalid_callback", 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_the_browser_took_too_long_for_sends_nothing() {
    let world = world(Dialect::Standard);
    let (callback, pending) = begin(&world);
    pass(Pending::LIFETIME + 1).await;
    let result = world.session().redeem(pending, &callback).await;
    assert_eq!((codes(result), world.count("token")), ("login_expired", 0));
}

/// The code works once, and a server that sees it twice revokes what it gave for it.
#[tokio::test(start_paused = true)]
async fn a_code_whose_answer_is_lost_is_not_sent_again() {
    let world = world(Dialect::Standard);
    let (callback, pending) = begin(&world);
    world.server.next([Next::Lost(astropass_core::HttpErrorKind::Interrupted)]);
    let result = world.session().redeem(pending, &callback).await;
    assert_eq!((codes(result), world.count("token")), ("network", 1));
}

#[tokio::test(start_paused = true)]
async fn a_pasted_token_is_checked_before_it_is_stored() {
    let world = world(Dialect::Astro);
    let session = world.session();
    let grant = session.accept_token(secret("pasted")).await.unwrap();
    let credentials = session.establish(grant).await.unwrap();
    // Userinfo is asked once: it has already said who this is.
    assert_eq!(world.take_journal(), ["lock", "probe", "me", "lock", "revision", "load", "save"]);
    let sent = world.server.requests();
    assert_eq!(sent[0].authorization.as_deref(), Some("Bearer pasted"));
    assert_eq!(credentials.identity.subject.as_deref(), Some("sub-1"));
    assert_eq!((credentials.lifetime, &credentials.refresh_token), (None, &None));
    assert_eq!(token(&session).await.unwrap(), "pasted");
}

#[tokio::test(start_paused = true)]
async fn a_pasted_token_is_not_sent_where_it_could_not_be_stored() {
    let world = world(Dialect::Astro);
    world.store.fail("probe", StoreError::Denied(String::new()), 1);
    let result = world.session().accept_token(secret("pasted")).await;
    assert_eq!((codes(result), world.count("me")), ("store_denied", 0));
}

#[tokio::test(start_paused = true)]
async fn a_pasted_token_that_is_refused_leaves_the_earlier_session_alone() {
    let mut world = World::signed_in_with(Dialect::Astro, 0, |_| {}).await;
    world.provider.endpoints.userinfo = at("me");
    let session = world.open().await;
    world.server.next([Next::Answer(401, "Unauthorized")]);
    let result = session.accept_token(secret("pasted")).await;
    assert_eq!((codes(result), world.count("save")), ("access_denied", 0));
    assert_eq!(token(&session).await.unwrap(), "access-0");
}

/// By the server's clock, whatever the local one says; then there is nothing to refresh it with.
#[tokio::test(start_paused = true)]
async fn a_pasted_token_lives_until_its_exp_and_asks_for_a_login_then() {
    // {"exp":1800003600}: an hour after the server's `Date`.
    const PASTED: &str = "e30.eyJleHAiOjE4MDAwMDM2MDB9.Y2FuYXJ5";
    let world = world(Dialect::Astro);
    world.step_wall(-86_400);
    let session = world.session();
    let grant = session.accept_token(Secret::new(PASTED.to_owned())).await.unwrap();
    assert_eq!(session.establish(grant).await.unwrap().lifetime, Some(3600));
    pass(3599).await;
    assert_eq!(token(&session).await.unwrap(), PASTED);
    pass(2).await;
    assert_eq!(codes(token(&session).await), "session_over");
    assert_eq!(world.count("token"), 0);
}

/// Its server revokes refresh tokens, and calls any other one revoked too.
#[tokio::test(start_paused = true)]
async fn the_sign_out_of_a_pasted_token_does_not_claim_that_it_was_revoked() {
    let world = world(Dialect::Astro);
    let session = world.session();
    let grant = session.accept_token(secret("pasted")).await.unwrap();
    session.establish(grant).await.unwrap();
    let signed_out = session.logout().await.unwrap();
    assert_eq!((signed_out.revoked, world.count("revoke")), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn astro_cloud_signs_nobody_in_without_an_address() {
    for (answer, code) in [
        (Next::Answer(200, r#"{"sub":"sub-1","name":"Ada"}"#), "malformed_response"),
        (Next::Answer(503, ""), "server_unavailable"),
        (Next::NotSent(astropass_core::HttpErrorKind::Connect), "network"),
    ] {
        let world = world(Dialect::Astro);
        let session = world.session();
        let (callback, pending) = begin(&world);
        let grant = session.redeem(pending, &callback).await.unwrap();
        world.server.next([answer]);
        assert_eq!(codes(session.establish(grant).await), code);
        // To revoke it could end an earlier session of the same user.
        assert_eq!((world.count("save"), world.count("revoke")), (0, 0));
        assert_eq!(codes(token(&session).await), "not_signed_in");
    }
}

#[tokio::test(start_paused = true)]
async fn astro_cloud_is_asked_for_the_address_that_the_id_token_lacks() {
    let world = world(Dialect::Astro);
    let session = world.session();
    let (callback, pending) = begin(&world);
    let grant = session.redeem(pending, &callback).await.unwrap();
    let credentials = session.establish(grant).await.unwrap();
    assert_eq!(credentials.user.as_ref().unwrap().email.as_deref(), Some("ada@example.com"));
}
