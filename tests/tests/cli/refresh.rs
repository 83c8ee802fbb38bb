//! Tokens close to their expiry and past it. They live for an hour here, so a refresh is due from the
//! 3,300th second on, and minutes on either side of that make no difference.

use std::time::Duration;

use astropass_tests::server::{Endpoint, Options, Rotation};

use super::{SESSION_OVER, World};

const YOUNG: i64 = 3000;
const STALE: i64 = 3320;
const EXPIRED: i64 = 3601;

fn eager() -> Options {
    Options { access_token_ttl: Duration::from_secs(3600), ..super::eager() }
}

fn signed_in() -> World {
    World::signed_in_at(eager())
}

fn token(world: &World) -> String {
    let output = world.ast("token").printing_a_token().run();
    assert_eq!(output.stderr, "");
    output.ok().trim_end().to_owned()
}

fn stored(world: &World, name: &str) -> String {
    world.profile()["tokens"][name].as_str().unwrap().to_owned()
}

#[test]
fn a_token_close_to_its_expiry_is_refreshed_and_the_rotated_one_stored() {
    let world = signed_in();
    let (access, refresh) = (stored(&world, "access_token"), stored(&world, "refresh_token"));
    world.home.age("default", YOUNG);
    assert_eq!(token(&world), access, "not yet");
    world.home.age("default", STALE - YOUNG);
    let new = token(&world);
    assert_ne!(new, access);
    assert_eq!(stored(&world, "access_token"), new);
    assert_ne!(stored(&world, "refresh_token"), refresh);
    assert_eq!(token(&world), new);
    assert_eq!(world.refreshes(), 1);
    world.ast("api /api/v1/me").run().ok();
}

#[test]
fn an_expired_token_is_refreshed_with_what_the_server_leaves_out_kept() {
    let world = World::signed_in_at(Options { rotation: Rotation::Omit, ..eager() });
    let refresh = stored(&world, "refresh_token");
    for round in 1..=2 {
        world.home.age("default", EXPIRED);
        token(&world);
        assert_eq!((stored(&world, "refresh_token"), world.refreshes()), (refresh.clone(), round));
    }
    let user = &world.profile()["session"]["user"];
    assert_eq!(user["name"], "Ada Lovelace");
}

#[test]
fn what_was_received_in_the_future_is_refreshed() {
    let world = signed_in();
    world.home.age("default", -86_400);
    token(&world);
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_refresh_says_its_steps_with_verbose_but_no_secret() {
    let world = signed_in();
    world.home.age("default", EXPIRED);
    // `whoami` prints no token, so all of its output is searched for one.
    let output = world.ast("whoami --verbose").run();
    output.ok();
    assert!(output.stderr.contains("Refreshed"), "{output}");
    let own = |line: &str| line.contains(" astropass");
    assert!(output.stderr.lines().all(own), "what libraries do is noise: {output}");
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn while_the_token_is_valid_a_server_in_trouble_is_no_failure() {
    let world = signed_in();
    let access = stored(&world, "access_token");
    world.home.age("default", STALE);
    let before = world.home.credentials();
    for fault in ["status=503", "status=429,60", "html=502", "cut"] {
        world.server.clear_faults();
        world.server.fault(format!("refresh:*:{fault}").parse().unwrap());
        assert_eq!(token(&world), access, "{fault}");
    }
    assert_eq!(world.home.credentials(), before);
}

#[test]
fn with_an_expired_token_a_server_in_trouble_exits_with_6_and_deletes_nothing() {
    let world = signed_in();
    world.home.age("default", EXPIRED);
    let before = world.home.credentials();
    for fault in ["status=503", "html=502", "cut", "body=200,application/json,{}"] {
        world.server.clear_faults();
        world.server.fault(format!("refresh:*:{fault}").parse().unwrap());
        let output = world.ast("token").run();
        assert!(output.failed(6).starts_with("Error: "), "{output}");
        assert_eq!(world.home.credentials(), before, "{fault}");
    }
    world.server.clear_faults();
    token(&world);
}

#[test]
fn with_no_server_at_all_the_session_is_kept() {
    let World { home, server } = signed_in();
    home.age("default", EXPIRED);
    let before = home.credentials();
    drop(server);
    let output = home.ast("token").run();
    let error = output.failed(6);
    assert!(error.ends_with("Check the network and the URL, then try again."), "{error}");
    assert_eq!(home.credentials(), before);
}

#[test]
fn a_lost_reply_is_recovered_in_the_same_command_where_the_server_has_a_grace_period() {
    let world = World::signed_in_at(Options { grace: Duration::from_secs(30), ..eager() });
    world.home.age("default", EXPIRED);
    world.server.fault("refresh:1:lost-reply".parse().unwrap());
    let new = token(&world);
    assert_eq!((world.refreshes(), world.server.stats().replays), (1, 1));
    assert_eq!(stored(&world, "access_token"), new);
    world.ast("api /api/v1/me").run().ok();
}

#[test]
fn a_lost_reply_without_grace_ends_the_session_soon_and_in_every_process_alike() {
    let world = signed_in();
    world.home.age("default", EXPIRED);
    world.server.fault("refresh:1:lost-reply".parse().unwrap());
    let before = world.home.credentials();
    assert_eq!(world.ast("token").run().failed(4), SESSION_OVER);
    assert_eq!(world.ast("token").run().failed(4), SESSION_OVER);
    assert_eq!(world.home.credentials(), before, "nothing is deleted");
    let polls = world.server.stats().polls as usize;
    let sent = world.requests(Endpoint::Token).len() - polls;
    assert!(sent <= 3, "nothing loops: {:?}", world.requests(Endpoint::Token));
}
