//! A search that finds nothing would let every leak pass.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use std::process::{Command, Output};

use astropass_tests::server::CANARY;

fn search(logs: &str, line: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/search-output");
    let mut command = Command::new(script);
    command.arg(folder.path().join("searched")).args([logs, "sh", "-c", line]);
    command.output().unwrap()
}

#[test]
fn a_token_that_is_printed_or_logged_is_found() {
    let log = format!("echo rt_{CANARY} >\"$ASTROPASS_TEST_LOGS/1.log\"");
    for line in [format!("echo x.{CANARY}.y"), format!("echo {CANARY} >&2; exit 3"), log] {
        let output = search("0", &line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("a token was printed"), "{said}");
        assert!(!said.contains(CANARY), "it prints it again");
    }
}

#[test]
fn a_command_without_a_token_ends_as_it_does() {
    for (line, code) in [("echo canary", 0), ("echo no; exit 7", 7)] {
        let output = search("0", line);
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(!output.stdout.is_empty(), "its output is shown");
    }
}

#[test]
fn logs_that_are_not_there_are_not_taken_for_searched_ones() {
    let line = "cd \"$ASTROPASS_TEST_LOGS\"; echo a >1.log; echo b >2.log; : >3.log";
    assert_eq!(search("2", line).status.code(), Some(0));
    let output = search("3", line);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("only 2 processes have logged anything, not 3"), "{said}");
    // What failed by itself has its own code.
    assert_eq!(search("3", "exit 7").status.code(), Some(7));
}
