//! What astropass is tested with: an embedded authorization server, and a small HTTP client.
//!
//! `SERVER.md` beside this crate's manifest explains the server to people who want to run their
//! own tests against it.

#[cfg(unix)]
pub mod ast;
pub mod bus;
pub mod client;
pub mod clock;
pub mod foreign;
#[cfg(unix)]
pub mod fuzz;
pub mod logs;
pub mod machine;
pub mod person;
pub mod proxy;
#[cfg(target_os = "linux")]
pub mod sandbox;
pub mod server;
pub mod store_suite;

/// What takes longer hangs. It is far beyond what a loaded machine needs, and nobody waits for it where
/// nothing hangs.
pub const HANGS: std::time::Duration = std::time::Duration::from_secs(300);

/// Writes a program to be run, by another process: what this one has open for writing cannot be run while
/// a program that another of its threads is just starting has it open too.
///
/// # Panics
/// If it cannot be written.
#[cfg(unix)]
#[allow(clippy::expect_used, reason = "a test that cannot be set up must fail")]
pub fn write_program(path: &std::path::Path, text: &[u8]) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let script = "umask 077; cat >\"$0\" && chmod 700 \"$0\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).arg(path).stdin(Stdio::piped());
    let mut shell = command.spawn().expect("a shell");
    shell.stdin.take().expect("piped").write_all(text).expect("a pipe");
    assert!(shell.wait().expect("a shell").success(), "{} cannot be written", path.display());
}

/// Says that a test cannot run here, and why. Where `CI` is set, every test has to.
///
/// # Panics
/// There.
#[allow(clippy::print_stdout, reason = "a test that is skipped has to say so")]
pub fn skipped(why: &str) {
    println!("skipped: {why}");
    let is_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    assert!(!is_ci, "skipped, although CI is set: {why}");
}

/// The Rust of the pages for users is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../SERVER.md")]
#[doc = include_str!("../../README.md")]
struct Documentation;
