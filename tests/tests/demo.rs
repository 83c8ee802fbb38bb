//! `make demo` does what it shows, and leaves nothing behind.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use astropass_tests::ast::program;

/// The demo, with its temporary home in `parent`.
fn start(parent: &Path, args: &[&str]) -> Child {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    // It is built where the demo looks for it.
    assert_eq!(program("ast").parent(), Path::new(demo.get_program()).parent());
    demo.args(args).env("TMPDIR", parent).env("TMP", parent).env_remove("INTERACTIVE");
    demo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn is_empty(parent: &Path) -> bool {
    parent.read_dir().unwrap().next().is_none()
}

#[test]
fn every_command_does_what_it_should() {
    let parent = tempfile::tempdir().unwrap();
    let output = start(parent.path(), &[]).wait_with_output().unwrap();
    let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{shown}");

    // In this order.
    let mut rest = shown.as_str();
    for line in [
        "$ ast login --no-browser --workos-url http://127.0.0.1:",
        "Welcome, Ada Lovelace",
        "$ ast whoami",
        "ada@example.com",
        "$ ast api /api/v1/projects",
        "Bernoulli numbers",
        "$ ast token",
        "it has expired",
        "$ ast token",
        "counts 1 refresh",
        "$ ast login --no-browser --profile work --issuer http://127.0.0.1:",
        "Welcome, Grace Hopper",
        "$ ast profile list",
        "* default",
        "  work",
        "$ ast logout --all",
        "Logged out from all profiles",
        "$ ast token",
        "not logged in",
    ] {
        let found = rest.split_once(line);
        assert!(found.is_some(), "no {line:?} where it should be:\n{shown}");
        rest = found.unwrap().1;
    }
    assert!(!shown.contains('\x1b'), "colours are for terminals");
    assert!(!shown.contains("Y2FuYXJ5"), "a whole token is shown");
    assert!(is_empty(parent.path()), "the temporary home is left");
}

#[test]
fn what_it_takes_is_shown_and_anything_else_refused_and_nothing_is_run() {
    let parent = tempfile::tempdir().unwrap();
    for (argument, code, shown) in
        [("--help", 0, "demo [--interactive]"), ("-h", 0, "--interactive"), ("--hlep", 2, "--help")]
    {
        let output = start(parent.path(), &[argument]).wait_with_output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(shown) && !text.contains("$ ast"), "{text}");
    }
}

#[test]
fn interrupted_while_it_waits_for_the_person() {
    let parent = tempfile::tempdir().unwrap();
    let mut demo = start(parent.path(), &["--interactive"]);
    let lines = BufReader::new(demo.stderr.take().unwrap()).lines();
    let waiting = lines.map(Result::unwrap).find(|line| line.contains("user_code="));
    assert!(waiting.is_some(), "ast does not say where to go");
    assert!(!is_empty(parent.path()));

    let pid = demo.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = demo.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(is_empty(parent.path()), "the temporary home is left");
}
