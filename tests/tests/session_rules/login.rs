//! Rules 7 and 10: a probe before the browser, and a login over a live session.

use std::sync::Arc;
use std::time::Duration;

use astropass_core::{Credentials, Dialect, Endpoint, Grant, StoreError};

use super::server::Next;
use super::world::{Session, World, codes, pass, token};

async fn log_in(session: &Arc<Session>) -> Result<(), astropass_core::Error> {
    let grant = session.authorize_device(|_| {}).await?;
    session.establish(grant).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn the_store_is_probed_before_a_code_is_asked_for() {
    let world = World::new(Dialect::Standard);
    let session = world.session();
    let shown = std::cell::Cell::new(0);
    let grant = session.authorize_device(|_| shown.set(shown.get() + 1)).await.unwrap();
    session.establish(grant).await.unwrap();
    assert_eq!(
        world.take_journal(),
        ["lock", "probe", "device", "token device_code", "lock", "revision", "load", "save"]
    );
    assert_eq!(shown.get(), 1);
    assert_eq!(world.events(), ["signed_in"]);
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.stored().await.unwrap(), ("access-1".into(), "refresh-1".into()));
}

#[tokio::test(start_paused = true)]
async fn a_login_whose_save_failed_after_its_work_is_stored() {
    let world = World::new(Dialect::Standard);
    let session = world.session();
    let grant = session.authorize_device(|_| {}).await.unwrap();
    world.store.fail_after("save", StoreError::Unavailable("slow".to_owned()));
    session.establish(grant).await.unwrap();
    assert_eq!(world.count("save"), 2);
    assert_eq!(world.events(), ["signed_in"]);
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(world.stored().await.unwrap(), ("access-1".into(), "refresh-1".into()));
}

/// It was said that nobody is signed in, by a look that began before the login was stored.
#[tokio::test(start_paused = true)]
async fn a_look_that_is_slow_does_not_sign_out_who_signed_in_meanwhile() {
    let world = World::new(Dialect::Standard);
    let session = world.session();
    let grant = session.authorize_device(|_| {}).await.unwrap();
    world.store.answer_late("revision", Duration::from_secs(4));
    let looking = Arc::clone(&session);
    let look = tokio::spawn(async move { looking.credentials().await.map(drop) });
    pass(1).await;
    session.establish(grant).await.unwrap();
    look.await.unwrap().unwrap();
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_shown_a_code_for_tokens_that_cannot_be_saved() {
    let world = World::new(Dialect::Standard);
    world.store.fail("probe", StoreError::Denied(String::new()), 1);
    let shown = std::cell::Cell::new(0);
    let result = world.session().authorize_device(|_| shown.set(1)).await;
    assert_eq!((codes(result), shown.get(), world.count("device")), ("store_denied", 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_holds_no_lock_while_a_person_decides() {
    let world = World::signed_in(7200).await;
    let session = world.session();
    world.server.next([Next::Answer(
        200,
        r#"{"device_code":"d","user_code":"A","expires_in":300,
                "verification_uri":"https://op.example/"}"#,
    )]);
    let login = tokio::spawn(async move { session.authorize_device(|_| {}).await.map(drop) });
    pass(3).await;
    assert_eq!(token(&world.session()).await.unwrap(), "access-1");
    login.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_broken_off_leaves_the_earlier_session_alone() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    let cut = tokio::time::timeout(Duration::from_secs(4), session.authorize_device(|_| {})).await;
    assert!(cut.is_err());
    assert_eq!(token(&session).await.unwrap(), "access-0");
    assert_eq!((world.count("save"), world.count("revoke")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_revokes_the_session_before_it_after_the_save() {
    let other = |c: &mut Credentials| c.identity.subject = Some("sub-0".into());
    let mut world = World::signed_in_with(Dialect::Standard, 0, other).await;
    world.provider.endpoints.userinfo = Some(Endpoint::parse("https://op.example/me").unwrap());
    let session = world.open().await;
    log_in(&session).await.unwrap();
    let journal = world.take_journal();
    assert_eq!(journal[journal.len() - 2..], ["save", "revoke refresh-0"]);
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

/// Seen with oidc-provider: both logins of one browser share a grant, and revocation ends it.
#[tokio::test(start_paused = true)]
async fn a_second_login_of_the_same_user_is_not_ended_by_the_revocation_of_the_first() {
    let mut world = World::signed_in(0).await;
    world.provider.endpoints.userinfo = Some(Endpoint::parse("https://op.example/me").unwrap());
    log_in(&world.open().await).await.unwrap();
    assert_eq!((world.count("save"), world.count("revoke")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_be_saved_revokes_nothing() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    world.store.fail("save", StoreError::Io(String::new()), 3);
    assert_eq!(codes(log_in(&session).await), "store_io");
    assert_eq!(world.count("revoke"), 0);
    assert_eq!(world.stored().await.unwrap().0, "access-0");
    assert_eq!(token(&session).await.unwrap(), "access-0");
}

#[tokio::test(start_paused = true)]
async fn a_login_whose_save_fails_once_is_not_lost() {
    let world = World::new(Dialect::Standard);
    world.store.fail("save", StoreError::Io(String::new()), 2);
    log_in(&world.session()).await.unwrap();
    assert_eq!(world.stored().await.unwrap().0, "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_fails_does_not_fail_the_login() {
    let world = World::signed_in(0).await;
    let session = world.open().await;
    let grant = session.authorize_device(|_| {}).await.unwrap();
    world.server.next([Next::Answer(503, "")]);
    assert!(session.establish(grant).await.is_ok());
}

/// The old refresh token is a secret of the old server's.
#[tokio::test(start_paused = true)]
async fn the_tokens_of_another_provider_are_not_sent_to_this_one_s_revocation() {
    for change in [
        |identity: &mut astropass_core::Identity| identity.issuer = "https://old.example".into(),
        |identity: &mut astropass_core::Identity| identity.client_id = "old".into(),
    ] {
        let world = World::signed_in_with(Dialect::Standard, 0, |c| change(&mut c.identity)).await;
        log_in(&world.session()).await.unwrap();
        assert_eq!(world.count("revoke"), 0);
        world
            .put(&{
                let mut old = world.credentials(0);
                change(&mut old.identity);
                old
            })
            .await;
        let signed_out = world.session().logout().await.unwrap();
        assert_eq!((world.count("revoke"), signed_out.revoked), (0, None));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_replaced_by_a_login() {
    let world = World::signed_in(0).await;
    world.store.fail("load", StoreError::Corrupt(String::new()), 1);
    log_in(&world.session()).await.unwrap();
    assert_eq!(world.count("revoke"), 0);
    assert_eq!(world.stored().await.unwrap().0, "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_login_as_another_user_is_this_session_s_from_then_on() {
    let world =
        World::signed_in_with(Dialect::Standard, 0, |c| c.identity.subject = Some("x".into()))
            .await;
    let (session, sibling) = (world.open().await, world.open().await);
    log_in(&session).await.unwrap();
    pass(1).await;
    assert_eq!(token(&session).await.unwrap(), "access-1");
    assert_eq!(codes(token(&sibling).await), "session_changed");
}

#[tokio::test(start_paused = true)]
async fn a_login_after_the_end_begins_anew() {
    let world = World::signed_in(7200).await;
    let session = world.open().await;
    world.server.next([Next::Answer(400, r#"{"error":"invalid_grant"}"#)]);
    assert_eq!(codes(token(&session).await), "session_over");
    log_in(&session).await.unwrap();
    assert_eq!(token(&session).await.unwrap(), "access-1");
}

#[tokio::test(start_paused = true)]
async fn userinfo_names_the_user_where_the_tokens_do_not() {
    let mut world = World::new(Dialect::Standard);
    world.provider.endpoints.userinfo = Some(Endpoint::parse("https://op.example/me").unwrap());
    let session = world.session();
    log_in(&session).await.unwrap();
    let credentials = session.credentials().await.unwrap();
    assert_eq!(credentials.identity.subject.as_deref(), Some("sub-1"));
    assert_eq!(credentials.user.as_ref().unwrap().email.as_deref(), Some("ada@example.com"));
    let requests = world.server.requests();
    let asked = requests.iter().find(|sent| sent.url.ends_with("/me")).unwrap();
    assert_eq!(asked.authorization.as_deref(), Some("Bearer access-1"));
}

#[tokio::test(start_paused = true)]
async fn userinfo_that_fails_does_not_fail_the_login() {
    let mut world = World::new(Dialect::Standard);
    world.provider.endpoints.userinfo = Some(Endpoint::parse("https://op.example/me").unwrap());
    for next in [Next::Answer(500, ""), Next::Answer(200, r#"{"sub":"sub-2","name":"Eve"}"#)] {
        let session = world.session();
        let mut grant = session.authorize_device(|_| {}).await.unwrap();
        grant.subject = Some("sub-1".to_owned());
        world.server.next([next]);
        let credentials = session.establish(grant).await.unwrap();
        assert_eq!(credentials.identity.subject.as_deref(), Some("sub-1"));
        assert!(credentials.user.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_login_stores_nothing() {
    let world = World::new(Dialect::Standard);
    let session = world.session();
    world.server.next([
        Next::Answer(
            200,
            r#"{"device_code":"d","user_code":"A","expires_in":300,
                "verification_uri":"https://op.example/"}"#,
        ),
        Next::Answer(400, r#"{"error":"access_denied"}"#),
    ]);
    assert_eq!(codes(log_in(&session).await), "access_denied");
    assert_eq!(world.count("save"), 0);
    assert_eq!(codes(token(&session).await), "not_signed_in");
}

#[tokio::test(start_paused = true)]
async fn the_lifetime_counts_from_the_receipt_and_not_from_the_save() {
    let world = World::new(Dialect::Standard);
    let session = world.session();
    let grant: Box<Grant> = session.authorize_device(|_| {}).await.unwrap();
    let received = astropass_core::Runtime::wall(&world.runtime);
    let guard = astropass_core::Store::lock(&world.store.inner, Duration::ZERO).await.unwrap();
    let saving = tokio::spawn({
        let session = Arc::clone(&session);
        async move { session.establish(grant).await }
    });
    pass(20).await;
    drop(guard);
    assert_eq!(saving.await.unwrap().unwrap().received_at, received);
}
