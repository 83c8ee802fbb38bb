//! Many processes at once.

use std::collections::HashSet;
use std::time::Duration;

use astropass_tests::server::Options;

use super::gate::Gate;
use super::{SESSION_OVER, World, eager};

#[test]
fn sixteen_processes_at_the_moment_of_expiry_share_one_refresh() {
    // The server has reuse detection and no grace: a second refresh would end the session.
    let world = World::signed_in();
    world.home.age("default", 301);
    let started: Vec<_> = (0..16).map(|_| world.ast("token").printing_a_token().start()).collect();
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
fn a_valid_token_does_not_wait_for_the_process_that_refreshes_it() {
    let access_token_ttl = Duration::from_secs(3600);
    let world = World::signed_in_at(Options { access_token_ttl, ..eager() });
    world.home.age("default", 3320);
    let gate = Gate::before_token(&world);
    let old = world.profile()["tokens"]["access_token"].as_str().unwrap().to_owned();
    let first = world.ast("token").printing_a_token().start();
    let refresh = gate.next();
    let second = world.ast("token").printing_a_token().run();
    assert_eq!(second.ok().trim_end(), old);
    refresh.answer();
    assert_ne!(first.finish().ok().trim_end(), old);
    assert_eq!(world.refreshes(), 1);
}
