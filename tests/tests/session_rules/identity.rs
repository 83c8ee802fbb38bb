//! Rule 5: a session is somebody's.

use std::sync::Arc;

use astropass_core::{Credentials, Dialect, Identity};

use super::server::Next;
use super::world::{World, codes, pass, token};

/// What makes a session another one.
fn others(credentials: &Credentials) -> Vec<Credentials> {
    let other = |change: fn(&mut Identity)| {
        let mut credentials = credentials.clone();
        change(&mut credentials.identity);
        credentials
    };
    vec![
        other(|identity| identity.subject = Some("sub-2".to_owned())),
        other(|identity| identity.subject = None),
        other(|identity| identity.organization = Some("org_2".to_owned())),
        other(|identity| identity.issuer = "https://other.example".to_owned()),
        other(|identity| identity.client_id = "other".to_owned()),
    ]
}

#[tokio::test(start_paused = true)]
async fn another_session_in_the_store_is_neither_served_nor_touched() {
    let world = World::signed_in(0).await;
    for other in others(&world.credentials(9)) {
        let world = World::signed_in(0).await;
        let session = world.open().await;
        world.put(&other).await;
        pass(1).await;
        for _ in 0..3 {
            assert_eq!(codes(token(&session).await), "session_changed", "{:?}", other.identity);
            assert_eq!(codes(Arc::clone(&session).refresh(None).await), "session_changed");
            assert_eq!(codes(session.credentials().await), "session_changed");
            assert!(session.cached().is_none());
        }
        assert_eq!((world.count("token"), world.count("save"), world.count("clear")), (0, 0, 0));
        assert_eq!(world.stored().await.unwrap().0, "access-9");
    }
}

/// Plain OAuth names no subject, so whoever signs in may be somebody else.
#[tokio::test(start_paused = true)]
async fn another_login_of_somebody_without_a_subject_is_another_session() {
    let nobody = |credentials: &mut Credentials| credentials.identity.subject = None;
    for refreshes in 0..3 {
        let world = World::signed_in_with(Dialect::Standard, 0, nobody).await;
        let (one, other) = (world.open().await, world.open().await);
        for _ in 0..refreshes {
            pass(3500).await;
            // What a sibling refreshed is the same session, also to one who reads it first then.
            let expected = token(&one).await.unwrap();
            pass(1).await;
            assert_eq!(token(&other).await.as_ref(), Ok(&expected));
            assert_eq!(token(&world.open().await).await, Ok(expected));
        }
        let mut somebody_else = world.credentials(9);
        nobody(&mut somebody_else);
        world.put(&somebody_else).await;
        pass(1).await;
        for session in [one, other] {
            assert_eq!(codes(token(&session).await), "session_changed");
            assert_eq!(codes(session.logout().await), "session_changed");
        }
        assert_eq!(world.stored().await.unwrap().0, "access-9");
        assert_eq!(token(&world.open().await).await.unwrap(), "access-9");
    }
}

#[tokio::test(start_paused = true)]
async fn the_session_comes_back_with_its_user() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    let other = others(&world.credentials(9)).remove(0);
    world.put(&other).await;
    pass(1).await;
    assert_eq!(codes(token(&session).await), "session_changed");
    world.put(&world.credentials(3)).await;
    assert_eq!(token(&session).await.unwrap(), "access-3");
}

#[tokio::test(start_paused = true)]
async fn credentials_of_another_provider_are_not_sent_to_this_one() {
    for other in others(&World::signed_in(0).await.credentials(0)).split_off(3) {
        let world = World::signed_in(0).await;
        world.put(&other).await;
        let session = world.session();
        assert_eq!(codes(token(&session).await), "session_changed");
        assert_eq!(codes(session.refresh(None).await), "session_changed");
        assert_eq!(world.count("token"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_elsewhere_is_seen_within_a_second_and_not_undone() {
    let world = World::signed_in(3400).await;
    let session = world.open().await;
    world.store.remove().await;
    pass(1).await;
    for _ in 0..3 {
        assert_eq!(codes(token(&session).await), "not_signed_in");
        assert_eq!(codes(Arc::clone(&session).refresh(None).await), "not_signed_in");
    }
    assert_eq!((world.count("token"), world.count("save")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_does_not_recreate_what_was_signed_out_meanwhile() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let store = world.store.clone();
    world
        .server
        .next([Next::After(Box::new(move || Box::pin(async move { store.remove().await })))]);
    assert_eq!(codes(token(&session).await), "not_signed_in");
    assert!(world.stored().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_does_not_overwrite_who_signed_in_meanwhile() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    let (store, other) = (world.store.clone(), others(&world.credentials(9)).remove(0));
    world
        .server
        .next([Next::After(Box::new(move || Box::pin(async move { store.put(&other).await })))]);
    assert_eq!(codes(token(&session).await), "session_changed");
    assert_eq!(world.stored().await.unwrap().0, "access-9");
    assert_eq!(codes(token(&session).await), "session_changed");
    assert_eq!(world.count("token"), 1);
}

#[tokio::test(start_paused = true)]
async fn unsaved_tokens_do_not_overwrite_who_signed_in_meanwhile() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.store.fail("save", astropass_core::StoreError::Io(String::new()), 3);
    assert_eq!(token(&session).await.unwrap(), "access-1");
    world.put(&others(&world.credentials(9)).remove(0)).await;
    pass(1).await;
    assert_eq!(codes(token(&session).await), "session_changed");
    assert_eq!(world.stored().await.unwrap().0, "access-9");
}

/// {"iss":"https://op.example","aud":"cli","sub":"sub-2","exp":1900000000}
const ID_TOKEN_OF_ANOTHER: &str = concat!(
    "e30.",
    "eyJpc3MiOiJodHRwczovL29wLmV4YW1wbGUiLCJhdWQiOiJjbGkiLCJzdWIiOiJzdWItMiIsImV4cCI6MTkwMDAwMDAwMH0",
    ".c2ln"
);

#[tokio::test(start_paused = true)]
async fn a_refresh_that_answers_for_another_user_is_not_kept_and_not_repeated() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.server.say_more(&format!(r#""id_token":"{ID_TOKEN_OF_ANOTHER}""#));
    for _ in 0..5 {
        assert_eq!(codes(token(&session).await), "session_changed");
    }
    assert_eq!(world.stored().await.unwrap().0, "access-0");
    assert_eq!(world.count("token"), 1);
}
