//! What a hostile answer may cost in memory: the kernel gives `ast` no more than the limit, and
//! without memory it would be killed in place of saying what is wrong.

#![cfg(target_os = "linux")]

use astropass_tests::ast::{Output, program};
use astropass_tests::server::{Endpoint, Fault, Options, Target, What};

use super::{CLIENT, World, eager};

/// Most data of the process in KiB, its threads' stacks included.
const MOST: u32 = 40 << 10;
/// The most that is read of an answer to anything but a request to the API.
const MOST_BODY: usize = 1 << 20;

/// Runs `ast` with no more memory than [`MOST`].
fn run(world: &World, args: &str) -> Output {
    let ast = world.home.program_at("/bin/sh".as_ref());
    let ast = ast.args(["-c", &format!("ulimit -d {MOST} && exec \"$0\" \"$@\"")]);
    ast.args([program("ast").as_os_str()]).args(args.split_whitespace()).run()
}

/// Answers without an end, and those that become much larger when they are read.
fn answers() -> Vec<What> {
    let repeated = |begin: &str, unit: &str, end: &str| {
        let count = (MOST_BODY - begin.len() - end.len()) / unit.len();
        What::RawBody {
            status: 200,
            content_type: "application/json".to_owned(),
            body: [begin, &unit.repeat(count), end].concat().into_bytes(),
        }
    };
    vec![
        What::EndlessBody,
        repeated("{\"access_token\":[0", ",0", "]}"),
        repeated("{\"access_token\":[[]", ",[]", "]}"),
        repeated("{\"a\":0", ",\"\":0", "}"),
        repeated("{\"access_token\":\"", "\\n", "\"}"),
        repeated("[", "[", ""),
        repeated("\"", "\\u00e9", "\""),
    ]
}

/// `ast` with these arguments says what is wrong with each of [`answers`] from the `targets`.
fn assert_each_is_refused(world: &World, targets: &[Target], args: &str) {
    for answer in answers() {
        world.server.clear_faults();
        for target in targets {
            world.server.fault(Fault::every(*target, answer.clone()));
        }
        let output = run(world, args);
        let is_told = output.stderr.contains("Error: ");
        assert!(output.code.is_some() && output.code != Some(0) && is_told, "{output:?}");
    }
}

#[test]
fn hostile_answers_to_a_login_are_read_in_little_memory() {
    let world = World::new(eager());
    let url = world.server.url();
    let login =
        format!("login --no-browser --workos-url {url} --server {url} --client-id {CLIENT}");
    assert_each_is_refused(&world, &[Endpoint::DeviceAuthorization.into()], &login);
}

#[test]
fn hostile_metadata_are_read_in_little_memory() {
    let world = World::new(Options { issuer_path: "/tenant".to_owned(), ..eager() });
    let login =
        format!("login --no-browser --issuer {}/tenant --client-id {CLIENT}", world.server.url());
    assert_each_is_refused(
        &world,
        &[Endpoint::OauthMetadata, Endpoint::OpenidConfiguration].map(Into::into),
        &login,
    );
}

#[test]
fn hostile_answers_to_a_refresh_are_read_in_little_memory() {
    let world = World::signed_in();
    world.home.age("default", 301);
    let stored = world.profile();
    assert_each_is_refused(&world, &[Target::Refresh], "token");
    assert_eq!(world.profile(), stored);
}
