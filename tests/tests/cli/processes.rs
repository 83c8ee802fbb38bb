//! Many processes at once.

use std::collections::HashSet;

use super::{SESSION_OVER, World};

#[test]
fn sixteen_processes_at_the_moment_of_expiry_share_one_refresh() {
    // The server has reuse detection and no grace: a second refresh would end the session.
    let world = World::signed_in();
    world.home.age("default", 301);
    let started: Vec<_> =
        (0..16).map(|_| world.ast("token").printing_a_token().start()).collect();
    let outputs = started.into_iter().map(|process| process.finish());
    let tokens: Vec<_> = outputs.map(|output| output.ok().to_owned()).collect();
    assert_eq!(tokens.len(), 16);
    assert_eq!(HashSet::<_>::from_iter(&tokens).len(), 1);
    let stats = world.server.stats();
    assert_eq!((stats.refreshes, stats.reuses), (1, 0));
    world.ast("api /api/v1/me").run().ok();
}

#[test]
fn sixteen_processes_of_a_session_that_is_over_all_say_so() {
    let world = World::signed_in();
    world.home.age("default", 301);
    world.server.revoke_sessions();
    let started: Vec<_> = (0..16).map(|_| world.ast("token").start()).collect();
    for process in started {
        assert_eq!(process.finish().failed(4), SESSION_OVER);
    }
}

#[test]
fn a_token_that_is_still_valid_is_not_kept_waiting_by_another_process_that_refreshes() {
    let world = World::signed_in();
    world.home.age("default", 250);
    world.server.fault("refresh:1:hang".parse().unwrap());
    let mut first = world.ast("token --verbose").printing_a_token().start();
    let _ = &mut first;
}
