use std::time::Duration;

use astropass_tests::client::post;
use astropass_tests::server::{Options, Rotation};
use http::header::WWW_AUTHENTICATE;

use crate::{SECOND, assert_error, eager, me, refresh, revoke, sign_in, start, text};

#[test]
fn an_expired_access_token_is_refused_and_a_refresh_brings_a_new_one() {
    let server = start(Options { access_token_ttl: Duration::from_millis(1500), ..eager() });
    let first = sign_in(&server, "offline_access");
    assert_eq!(first["expires_in"], 2, "told in whole seconds, rounded up");
    server.advance(Duration::from_millis(1500));
    let reply = me(&server, text(&first, "access_token"));
    assert_eq!(reply.status(), 401);
    assert_eq!(reply.header(&WWW_AUTHENTICATE), Some("Bearer error=\"invalid_token\""));

    let second = refresh(&server, text(&first, "refresh_token")).send().unwrap().json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(me(&server, text(&second, "access_token")).status(), 200);
    assert_eq!(server.stats().refreshes, 1);
}

#[test]
fn reuse_of_a_refresh_token_ends_the_whole_session() {
    let server = start(eager());
    let first = sign_in(&server, "offline_access");
    let other = sign_in(&server, "offline_access");
    let second = refresh(&server, text(&first, "refresh_token")).send().unwrap().json();
    assert_error(refresh(&server, text(&first, "refresh_token")), 400, "invalid_grant");
    assert_error(refresh(&server, text(&second, "refresh_token")), 400, "invalid_grant");
    assert_eq!(me(&server, text(&second, "access_token")).status(), 401);
    assert_eq!(server.stats().reuses, 1);
    assert_eq!(me(&server, text(&other, "access_token")).status(), 200, "another session lives");
}

#[test]
fn without_reuse_detection_only_the_replay_fails() {
    let server = start(Options { reuse_detection: false, ..eager() });
    let first = sign_in(&server, "offline_access");
    let second = refresh(&server, text(&first, "refresh_token")).send().unwrap().json();
    assert_error(refresh(&server, text(&first, "refresh_token")), 400, "invalid_grant");
    assert_eq!(refresh(&server, text(&second, "refresh_token")).send().unwrap().status(), 200);
}

#[test]
fn within_the_grace_period_the_last_used_token_gets_the_same_pair() {
    let server = start(Options { grace: 30 * SECOND, ..eager() });
    let first = sign_in(&server, "offline_access");
    let sent = text(&first, "refresh_token");
    let second = refresh(&server, sent).send().unwrap().json();
    server.advance(29 * SECOND);
    assert_eq!(refresh(&server, sent).send().unwrap().json(), second);
    assert_eq!((server.stats().refreshes, server.stats().replays), (1, 1));

    // Once its successor is used, the old one is not the last used token any more.
    let third = refresh(&server, text(&second, "refresh_token")).send().unwrap().json();
    assert_error(refresh(&server, sent), 400, "invalid_grant");
    assert_eq!(me(&server, text(&third, "access_token")).status(), 401);
}

#[test]
fn after_the_grace_period_a_replay_is_reuse() {
    let server = start(Options { grace: 30 * SECOND, ..eager() });
    let first = sign_in(&server, "offline_access");
    let second = refresh(&server, text(&first, "refresh_token")).send().unwrap().json();
    server.advance(30 * SECOND);
    assert_error(refresh(&server, text(&first, "refresh_token")), 400, "invalid_grant");
    assert_eq!(me(&server, text(&second, "access_token")).status(), 401);
}

#[test]
fn rotation_can_be_off_in_two_ways() {
    let server = start(Options { rotation: Rotation::Same, ..eager() });
    let first = sign_in(&server, "offline_access");
    let sent = text(&first, "refresh_token");
    let second = refresh(&server, sent).send().unwrap().json();
    assert_eq!(text(&second, "refresh_token"), sent);

    server.configure(|options| options.rotation = Rotation::Omit);
    let third = refresh(&server, sent).send().unwrap().json();
    assert!(third.get("refresh_token").is_none());
    assert_eq!(refresh(&server, sent).send().unwrap().status(), 200);
}

#[test]
fn a_refresh_token_expires_and_belongs_to_its_client() {
    let server = start(eager());
    let tokens = sign_in(&server, "offline_access");
    let sent = text(&tokens, "refresh_token");
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", sent), ("client_id", "somebody")];
    let foreign = post(&format!("{}/token", server.url())).form(fields);
    assert_error(foreign, 401, "invalid_client");
    server.advance(30 * 86_400 * SECOND);
    assert_error(refresh(&server, sent), 400, "invalid_grant");
}

#[test]
fn revocation_takes_a_refresh_tokens_session_or_one_access_token() {
    let server = start(eager());
    let tokens = sign_in(&server, "offline_access");
    assert_eq!(revoke(&server, text(&tokens, "access_token")).send().unwrap().status(), 200);
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 401);
    let tokens = refresh(&server, text(&tokens, "refresh_token")).send().unwrap().json();
    assert_eq!(revoke(&server, text(&tokens, "refresh_token")).send().unwrap().status(), 200);
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 401);
    assert_error(refresh(&server, text(&tokens, "refresh_token")), 400, "invalid_grant");
    assert_eq!(revoke(&server, "never-issued").send().unwrap().status(), 200);
    assert_error(revoke(&server, ""), 400, "invalid_request");
    assert_eq!(server.stats().revocations, 3);
}

#[test]
fn access_tokens_can_be_revoked_alone() {
    let server = start(eager());
    let tokens = sign_in(&server, "offline_access");
    server.revoke_access_tokens();
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 401);
    assert_eq!(refresh(&server, text(&tokens, "refresh_token")).send().unwrap().status(), 200);
    server.revoke_sessions();
    assert_error(refresh(&server, text(&tokens, "refresh_token")), 400, "invalid_grant");
}
