//! Ctrl-C, SIGTERM and SIGHUP.

use astropass_tests::ast::{Output, Running};
use astropass_tests::server::Endpoint;
use serde_json::json;

use super::gate::Gate;
use super::{NOT_LOGGED_IN, World, eager};

pub(super) const FINISHING: &str =
    "Finishing what was already sent, so that the session is not lost; Ctrl-C again stops at once.";

#[test]
fn an_interrupted_login_leaves_the_session_before_it() {
    let world = World::signed_in();
    let before = world.home.credentials();
    let mut login = world.login("--json --no-browser").start();
    login.prompt();
    login.interrupt();
    let output = login.finish();
    assert_eq!(output.code, Some(130), "{output}");
    let expected = json!({"event": "error", "code": "interrupted", "message": "Interrupted."});
    assert_eq!(output.json()[1], expected);
    assert_eq!(world.home.credentials()["profiles"], before["profiles"]);
    assert_eq!(world.requests(Endpoint::Logout), []);
    world.ast("api /api/v1/me").run().ok();
}

#[test]
fn an_interrupted_first_login_leaves_nobody_signed_in() {
    let world = World::new(eager());
    let mut login = world.login("--no-browser").start();
    login.wait_for(|_, stderr| stderr.contains("Open this URL").then_some(()));
    login.interrupt();
    let output = login.finish();
    assert_eq!(output.code, Some(130), "{output}");
    assert_eq!(output.stderr.lines().last(), Some("Error: Interrupted."));
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN);
}

/// What is left of an `ast token` that got `signal` when its refresh was sent: the rotated token.
fn ended_during_a_refresh(signal: fn(&Running)) -> (World, Output) {
    let world = World::signed_in();
    world.home.age("default", 301);
    let gate = Gate::before_token(&world);
    let old = world.profile()["tokens"]["refresh_token"].clone();
    let mut token = world.ast("token").start();
    let refresh = gate.next();
    signal(&token);
    token.wait_for(|_, stderr| stderr.contains(FINISHING).then_some(()));
    refresh.answer();

    let output = token.finish();
    assert_ne!(world.profile()["tokens"]["refresh_token"], old, "the rotated one is stored");
    (world, output)
}

#[test]
fn a_refresh_that_was_sent_is_finished_and_saved_before_an_interrupt_ends_it() {
    let (world, output) = ended_during_a_refresh(Running::interrupt);
    assert_eq!((output.code, output.stdout.as_str()), (Some(130), ""), "{output}");
    world.ast("api /api/v1/me").run().ok();
    assert_eq!(world.refreshes(), 1, "and nothing was left to be refreshed");
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let world = World::signed_in();
    world.home.age("default", 301);
    let gate = Gate::before_token(&world);
    let before = world.home.credentials();
    let mut token = world.ast("token").start();
    let _unanswered = gate.next();
    token.interrupt();
    token.wait_for(|_, stderr| stderr.contains(FINISHING).then_some(()));
    token.interrupt();
    assert_eq!(token.finish().code, Some(130));
    assert_eq!(world.home.credentials(), before);
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn a_refresh_that_was_sent_is_finished_and_saved_before_sigterm_ends_it() {
    let (_world, output) = ended_during_a_refresh(Running::terminate);
    assert_eq!((output.code, output.stdout.as_str()), (Some(143), ""), "{output}");
    assert_eq!(output.stderr.lines().last(), Some("Error: Terminated."));
}

#[test]
fn a_refresh_that_was_sent_is_finished_and_saved_before_a_closed_terminal_ends_it() {
    let world = World::signed_in();
    world.home.age("default", 301);
    let gate = Gate::before_token(&world);
    let old = world.profile()["tokens"]["refresh_token"].clone();
    let mut api = world.ast("api /api/v1/me").start_on_terminal();
    let refresh = gate.next();
    api.hang_up();
    api.wait_for(|stdout, _| stdout.contains(FINISHING).then_some(()));
    refresh.answer();
    assert_eq!(api.finish().code, Some(129));
    assert_ne!(world.profile()["tokens"]["refresh_token"], old, "the rotated one is stored");
}

#[test]
fn a_logout_that_was_sent_clears_the_profile_before_an_interrupt_ends_it() {
    for command in ["logout", "logout --all", "profile remove default"] {
        let world = World::signed_in();
        let gate = Gate::before(&world, "revocation");
        let mut logout = world.ast(command).start();
        let revocation = gate.next();
        logout.interrupt();
        logout.wait_for(|_, stderr| stderr.contains(FINISHING).then_some(()));
        revocation.accept();
        assert_eq!(logout.finish().code, Some(130), "{command}");
        assert_eq!(world.profile().get("tokens"), None, "{command}");
    }
}
