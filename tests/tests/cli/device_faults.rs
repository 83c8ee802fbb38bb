//! What goes wrong while a login waits, and does not end it.

use std::time::Duration;

use astropass_tests::server::{Approval, Endpoint, Event, Options};

use super::{World, eager};

/// Signs in with this fault at the first poll, approved before that; the times of the polls.
fn log_in_despite(fault: &str) -> Vec<Duration> {
    let world = World::new(Options { auto_approve: Some(Approval::default()), ..eager() });
    world.server.fault(format!("poll:1:{fault}").parse().unwrap());
    let output = world.login("--json --no-browser").run();
    output.ok();
    assert_eq!(output.stderr.lines().count(), 1, "only where the tokens are: {output}");
    let events = world.server.events().into_iter();
    let polls: Vec<Event> = events.filter(|event| event.endpoint == Endpoint::Token).collect();
    assert_eq!((polls.len(), &*polls[1].outcome), (2, "signed_in"), "{polls:?}");
    polls.into_iter().map(|event| event.at).collect()
}

#[test]
fn slow_down_adds_five_seconds() {
    let polls = log_in_despite("slow-down");
    let pause = polls[1] - polls[0];
    assert!(pause >= Duration::from_secs(6), "{pause:?}");
}

#[test]
fn a_503_is_waited_out() {
    let polls = log_in_despite("status=503");
    assert!(polls[1] - polls[0] >= Duration::from_secs(2), "with a longer pause");
}

#[test]
fn a_503_with_retry_after_is_waited_out_as_long_as_it_says() {
    let polls = log_in_despite("status=503,3");
    assert!(polls[1] - polls[0] >= Duration::from_secs(3));
}

#[test]
fn a_proxys_page_is_waited_out() {
    log_in_despite("html=200");
}

#[test]
fn a_cut_connection_is_waited_out() {
    log_in_despite("cut");
}

#[test]
fn a_lost_reply_of_a_poll_before_the_approval_is_waited_out() {
    let world = World::new(eager());
    world.server.fault("poll:1:lost-reply".parse().unwrap());
    let mut login = world.login("--json --no-browser --verbose").start();
    let prompt = login.prompt();
    // The first poll was answered "pending", and that was lost.
    let user_code = prompt["user_code"].as_str().unwrap();
    login.wait_for(|_, stderr| stderr.contains(" not answered ").then_some(()));
    world.server.approve(user_code, &Default::default()).unwrap();
    login.finish().ok();
}
