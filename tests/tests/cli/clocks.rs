//! The real program under a clock that is wrong, or that is stepped while it runs.
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::io::pipe;
use std::path::Path;
use std::time::{Duration, SystemTime};

use astropass_tests::ast::{Ast, Clock};
use astropass_tests::client::get;
use astropass_tests::server::{Endpoint, Options};

use super::gate::Gate;
use super::{CLIENT, World, eager, rfc3339};

/// `ast` with a wall clock that is off, such as by `+1d`.
fn off_by(world: &World, offset: &str, args: &str) -> Ast {
    world.ast(args).off_by(offset).printing_a_token()
}

/// How often the server was asked for tokens, and refused one.
fn asked(world: &World) -> (u32, u32) {
    (world.refreshes(), world.server.stats().unauthorized)
}

#[test]
fn the_clock_of_the_program_can_be_shifted() {
    let world = World::signed_in();
    let shown = off_by(&world, "+3650d", "whoami").run();
    let then = SystemTime::now() + Duration::from_secs(3650 * 86_400);
    let then = then.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let year = rfc3339(then.try_into().unwrap())[..4].to_owned();
    assert!(shown.ok().contains(&format!(" {year}-")), "{shown}");
    // A token of five minutes that came ten years ago is refreshed.
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_login_under_a_clock_that_is_wrong_by_a_day_lasts_as_long_as_any() {
    for offset in ["+1d", "-1d"] {
        let world = World::new(eager());
        let login = world.login("").off_by(offset);
        world.log_in(login).ok();
        for _ in 0..2 {
            off_by(&world, offset, "api /api/v1/me").run().ok();
        }
        assert_eq!(asked(&world), (0, 0), "{offset}");
    }
}

#[test]
fn a_clock_that_is_stepped_during_a_login_changes_nothing_about_it() {
    for offset in ["+1d", "-1d"] {
        let world = World::new(eager());
        let clock = Clock::new(world.home.path());
        let mut login = world.login("--json --no-browser").by(&clock).start();
        let _ = login.prompt();
        clock.step(offset);
        world.approve(&mut login);
        login.finish().ok();
        let polls = world.server.events().into_iter();
        let polls = polls.filter(|event| event.endpoint == Endpoint::Token).map(|event| event.at);
        let polls: Vec<_> = polls.collect();
        let paused = |pair: &[Duration]| pair[1] - pair[0] >= Duration::from_secs(1);
        assert!(polls.windows(2).all(paused), "none came because of the step: {polls:?}");
        for _ in 0..2 {
            world.ast("api /api/v1/me").by(&clock).run().ok();
        }
        assert_eq!(asked(&world), (0, 0), "{offset}");
    }
}

#[test]
fn a_clock_that_is_stepped_during_a_refresh_costs_no_second_one() {
    for offset in ["+1d", "-1d"] {
        let world = World::signed_in();
        let clock = Clock::new(world.home.path());
        world.home.age("default", 301);
        let gate = Gate::before_token(&world);
        let token = world.ast("token").by(&clock).printing_a_token().start();
        let refresh = gate.next();
        clock.step(offset);
        refresh.answer();
        token.finish().ok();
        for _ in 0..2 {
            world.ast("api /api/v1/me").by(&clock).run().ok();
        }
        assert_eq!(asked(&world), (1, 0), "{offset}");
    }
}

/// A process has the session in memory while `step` happens, and then asks in four tasks.
fn in_memory(world: &World, clocks: impl Fn(Ast) -> Ast, step: impl FnOnce()) {
    let (waiting, gate) = pipe().unwrap();
    let storm = world.home.program_at(Path::new(env!("CARGO_BIN_EXE_storm"))).args(["4"]);
    let mut process = clocks(storm).stdin_from(waiting).printing_a_token().start();
    process.wait_for(|stdout, _| stdout.contains("ready\n").then_some(()));
    step();
    // For a second by a clock that nobody steps, what is in memory is given as it is.
    std::thread::sleep(Duration::from_millis(1100));
    drop(gate);
    let output = process.finish();
    let got: HashSet<_> = output.ok().lines().filter(|line| *line != "ready").collect();
    assert_eq!(got.len(), 1, "all have the same one");
    let token = got.into_iter().next().unwrap().strip_prefix("token ").expect("a token");
    let me = get(&format!("{}/api/v1/me", world.server.url())).bearer(token).send().unwrap();
    assert_eq!(me.status(), 200);
}

#[test]
fn a_clock_that_is_stepped_during_a_session_costs_one_refresh() {
    // By less than a token lives it makes no difference.
    for (offset, refreshes) in [("+1d", 1), ("-1d", 1), ("+60", 0)] {
        let world = World::signed_in();
        let clock = Clock::new(world.home.path());
        in_memory(&world, |storm| storm.by(&clock), || clock.step(offset));
        assert_eq!(asked(&world), (refreshes, 0), "{offset}");
    }
}

/// While a machine sleeps, some monotonic clocks go on and some stop.
fn asleep(program: Ast, clock: &Clock, stops: bool) -> Ast {
    if stops { program.by(clock) } else { program.by_both(clock) }
}

/// Eight hours, here and at the server.
fn sleep(world: &World, clock: &Clock) {
    clock.step("+8h");
    world.server.advance(Duration::from_secs(8 * 3600));
}

#[test]
fn a_laptop_asleep_for_eight_hours_during_a_session_costs_one_refresh() {
    for stops in [false, true] {
        let world = World::signed_in();
        let clock = Clock::new(world.home.path());
        in_memory(&world, |storm| asleep(storm, &clock, stops), || sleep(&world, &clock));
        assert_eq!(asked(&world), (1, 0), "{stops}");
    }
}

#[test]
fn a_laptop_asleep_for_eight_hours_in_a_poll_ends_the_login_and_nothing_else() {
    for stops in [false, true] {
        // Somebody was signed in before.
        let world = World::signed_in();
        let before = world.home.credentials();
        let clock = Clock::new(world.home.path());
        let login = world.login("--json --no-browser");
        let mut login = asleep(login, &clock, stops).start();
        let _ = login.prompt();
        while world.requests(Endpoint::Token).is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        sleep(&world, &clock);
        let polls = world.requests(Endpoint::Token).len();
        let output = login.finish();
        assert_eq!(output.code, Some(5), "{output}");
        assert_eq!(output.json()[1]["code"], "login_expired", "{output}");
        // The last one, if any: the code is known to have expired, or the server says so.
        assert!(world.requests(Endpoint::Token).len() <= polls + 2);
        assert_eq!(world.home.credentials(), before);
    }
}

#[test]
fn tokens_of_a_second_make_no_loop_and_those_of_ten_years_are_not_refreshed_early() {
    // The server takes them for longer than it says: how long a command takes is not the question.
    let mut options = eager();
    options.token_response.insert("expires_in".to_owned(), 1.into());
    let world = World::new(options);
    let url = world.server.url();
    let login = format!("login --issuer {url} --server {url} --client-id {CLIENT}");
    world.log_in(world.ast(&login)).ok();
    let before = world.refreshes();
    for command in ["api /api/v1/me", "token", "whoami", "api /api/v1/me"] {
        world.ast(command).printing_a_token().run().ok();
    }
    let (refreshes, unauthorized) = asked(&world);
    assert!(refreshes - before <= 4 && unauthorized == 0, "{refreshes}");

    let access_token_ttl = Duration::from_secs(10 * 365 * 86_400);
    let world = World::new(Options { access_token_ttl, ..eager() });
    world.log_in(world.login("")).ok();
    for offset in ["+0", "+1d", "+3000d"] {
        off_by(&world, offset, "api /api/v1/me").run().ok();
    }
    assert_eq!(asked(&world), (0, 0));
    off_by(&world, "+3660d", "api /api/v1/me").run().ok();
    assert_eq!(asked(&world), (1, 0));
}

#[test]
fn a_clock_that_goes_wrong_by_a_day_and_right_again_costs_a_refresh_each_time() {
    for offset in ["+1d", "-1d"] {
        let world = World::signed_in();
        for _ in 0..2 {
            off_by(&world, offset, "token").run().ok();
            assert_eq!(world.refreshes(), 1, "{offset}");
        }
        for _ in 0..2 {
            world.ast("token").printing_a_token().run().ok();
            assert_eq!(world.refreshes(), 2, "{offset}");
        }
    }
}

/// Time passes here and at the server, and between two processes somebody sets the clock here.
#[test]
fn a_clock_set_back_between_processes_costs_at_most_one_401() {
    let world = World::signed_in();
    let mut passed = 0;
    let mut api = |seconds: u64, offset: u64| {
        world.server.advance(Duration::from_secs(seconds - passed));
        passed = seconds;
        let from = world.requests(Endpoint::Me).len();
        for _ in 0..3 {
            off_by(&world, &format!("+{offset}"), "api /api/v1/me").run().ok();
        }
        let me = world.requests(Endpoint::Me).split_off(from);
        (me.into_iter().map(|(status, _)| status).collect::<Vec<_>>(), world.refreshes())
    };
    assert_eq!(api(0, 0), (vec![200, 200, 200], 0));
    // Set back by 400 seconds: the token has expired, and looks young.
    assert_eq!(api(400, 0), (vec![401, 200, 200, 200], 1));
    // Right again: it seems to be 400 seconds old.
    assert_eq!(api(401, 401), (vec![200, 200, 200], 2));
    // Set back to before the token came.
    assert_eq!(api(410, 300), (vec![200, 200, 200], 3));
    // Set back to while the token before that was young, when this one has expired.
    assert_eq!(api(800, 310), (vec![401, 200, 200, 200], 4));
}
