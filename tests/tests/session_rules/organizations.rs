//! Rule 5 with WorkOS: refresh names the organization, and a refresh switches it.

use std::sync::Arc;

use astropass_core::{Dialect, Encoding};

use super::server::Next;
use super::world::{World, codes, pass, text, token};

const WORKOS: Dialect = Dialect::WorkOs(Encoding::Json);

async fn in_organization(age: i64) -> World {
    let world = World::signed_in_with(WORKOS, age, |c| {
        c.identity.organization = Some("org_1".to_owned());
    })
    .await;
    world.server.say_more(r#""organization_id":"org_1""#);
    world
}

fn switch(
    session: &Arc<super::world::Session>,
    organization: &str,
) -> impl Future<Output = Result<astropass_core::AccessToken, astropass_core::Error>> {
    Arc::clone(session).switch_organization(organization.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_refresh_names_the_stored_organization() {
    let world = in_organization(7200).await;
    token(&world.session()).await.unwrap();
    let requests = world.server.requests();
    assert_eq!(requests[0].field("organization_id"), Some("org_1"));
}

#[tokio::test(start_paused = true)]
async fn a_session_without_an_organization_names_none() {
    let world = World::signed_in_with(WORKOS, 7200, |_| {}).await;
    token(&world.session()).await.unwrap();
    assert_eq!(world.server.requests()[0].field("organization_id"), None);
}

#[tokio::test(start_paused = true)]
async fn a_switch_is_one_refresh_and_stays() {
    let world = in_organization(0).await;
    let session = world.open().await;
    world.server.say_more(r#""organization_id":"org_2""#);
    assert_eq!(text(&switch(&session, "org_2").await.unwrap()), "access-1");
    assert_eq!(token(&session).await.unwrap(), "access-1");
    pass(3400).await;
    assert_eq!(token(&session).await.unwrap(), "access-2");
    let named: Vec<_> = world
        .server
        .requests()
        .iter()
        .map(|sent| sent.field("organization_id").unwrap().to_owned())
        .collect();
    assert_eq!(named, ["org_2", "org_2"]);
    let credentials = session.credentials().await.unwrap();
    assert_eq!(credentials.identity.organization.as_deref(), Some("org_2"));
}

#[tokio::test(start_paused = true)]
async fn a_sibling_does_not_follow_a_switch_unasked() {
    let world = in_organization(0).await;
    let (one, other) = (world.open().await, world.open().await);
    world.server.say_more(r#""organization_id":"org_2""#);
    switch(&one, "org_2").await.unwrap();
    pass(1).await;
    assert_eq!(codes(token(&other).await), "session_changed");
}

/// Whatever the server says of the other organization, this one's session goes on.
#[tokio::test(start_paused = true)]
async fn a_switch_that_is_refused_leaves_the_session_as_it_was() {
    for (status, body, expected) in [
        (403, r#"{"code":"organization_membership_required","message":"no"}"#, "server_error"),
        (403, r#"{"code":"sso_required","message":"sso"}"#, "server_error"),
        (403, r#"{"error":"mfa_enrollment","error_description":"mfa"}"#, "server_error"),
        (400, r#"{"error":"invalid_grant","error_description":"not a member"}"#, "server_error"),
        (503, "", "server_unavailable"),
    ] {
        let world = in_organization(0).await;
        let session = world.open().await;
        world.server.next([Next::Answer(status, body)]);
        assert_eq!(codes(switch(&session, "org_2").await), expected, "{body}");
        assert_eq!(token(&session).await.unwrap(), "access-0", "{body}");
        assert_eq!(world.stored().await.unwrap().0, "access-0");
        pass(3400).await;
        assert_eq!(token(&session).await.unwrap(), "access-1", "{body}");
        let last = world.server.requests().pop().unwrap();
        assert_eq!(last.field("organization_id"), Some("org_1"), "{body}");
        assert_eq!(world.events(), ["refreshed"], "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_the_server_ignores_is_not_taken_for_done() {
    // One that says so is asked once more.
    let answers =
        [(r#""organization_id":"org_1""#, "access-2"), (r#""organization_id":null"#, "access-1")];
    for (more, kept) in answers {
        let world = in_organization(0).await;
        let session = world.open().await;
        world.server.say_more(more);
        assert_eq!(codes(switch(&session, "org_2").await), "malformed_response");
        // The tokens were rotated: they are kept, for the organization that they are for.
        assert_eq!(token(&session).await.unwrap(), kept);
        let credentials = session.credentials().await.unwrap();
        assert_eq!(credentials.identity.organization.as_deref(), Some("org_1"));
    }
}

/// A server that repeats its answers tells the next one what became of the switch: that answer leads
/// on to the organization where the session still is.
#[tokio::test(start_paused = true)]
async fn a_switch_that_was_killed_before_its_save_costs_nobody_his_session() {
    let world = in_organization(7200).await;
    let session = world.open().await;
    let say = |organization: &'static str| {
        let server = world.server.clone();
        Next::After(Box::new(move || {
            Box::pin(async move {
                server.say_more(&format!(r#""organization_id":"{organization}""#));
            })
        }))
    };
    world.server.next([say("org_2"), say("org_1")]);
    assert_eq!(token(&session).await.unwrap(), "access-2");
    assert_eq!(world.stored().await.unwrap(), ("access-2".into(), "refresh-2".into()));
    let journal = world.take_journal();
    let from_probe: Vec<_> = journal.iter().skip_while(|entry| *entry != "probe").collect();
    let expected = ["probe", "token refresh-0", "save", "probe", "token refresh-1", "save"];
    assert_eq!(from_probe, expected, "each token is stored before it is used");
    assert_eq!(world.events(), ["refreshed"]);
}

#[tokio::test(start_paused = true)]
async fn a_switch_is_tried_although_a_refresh_has_just_failed() {
    let world = in_organization(3400).await;
    let session = world.open().await;
    world.server.next([Next::Answer(503, "")]);
    assert_eq!(token(&session).await.unwrap(), "access-0");
    world.server.say_more(r#""organization_id":"org_2""#);
    assert_eq!(text(&switch(&session, "org_2").await.unwrap()), "access-1");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_answers_for_another_organization_is_asked_once_more_and_not_again() {
    let world = in_organization(7200).await;
    let session = world.open().await;
    world.server.say_more(r#""organization_id":"org_3""#);
    for _ in 0..5 {
        assert_eq!(codes(token(&session).await), "session_changed");
    }
    assert_eq!(world.stored().await.unwrap(), ("access-0".into(), "refresh-1".into()));
    assert_eq!(world.count("token"), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_signed_in_cannot_switch() {
    let world = World::new(WORKOS);
    assert_eq!(codes(switch(&world.session(), "org_2").await), "not_signed_in");
    assert_eq!(world.count("token"), 0);
}
