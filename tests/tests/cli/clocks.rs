//! The real program under a clock that is wrong. Only wall time is: a shifted clock of the whole
//! machine shifts no monotonic one.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use astropass_tests::ast::Ast;
use astropass_tests::server::Endpoint;

use super::{World, eager, rfc3339};

/// `ast` with a wall clock that is off, such as by `+1d`.
fn off_by(world: &World, offset: &str, args: &str) -> Ast {
    shifted(world.ast(args), offset)
}

fn shifted(ast: Ast, offset: &str) -> Ast {
    let ast = ast.env("LD_PRELOAD", libfaketime()).env("FAKETIME", offset);
    ast.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").printing_a_token()
}

/// It is where its package puts it, in a folder named after the machine.
fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut found = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    found.find(|path| path.exists()).expect("libfaketime: run `make setup`")
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
        let login = shifted(world.login(""), offset);
        world.log_in(login).ok();
        for _ in 0..2 {
            off_by(&world, offset, "api /api/v1/me").run().ok();
        }
        assert_eq!((world.refreshes(), world.server.stats().unauthorized), (0, 0), "{offset}");
    }
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

#[test]
fn a_clock_set_back_between_processes_costs_at_most_one_401() {
    let world = World::signed_in();
    // As if the clock here had been set back by as much: the token has expired, and looks young.
    world.server.advance(Duration::from_secs(400));
    for _ in 0..3 {
        world.ast("api /api/v1/me").run().ok();
    }
    let statuses: Vec<u16> = world.requests(Endpoint::Me).into_iter().map(|(s, _)| s).collect();
    assert_eq!(statuses, [401, 200, 200, 200]);
    assert_eq!(world.refreshes(), 1);
}
