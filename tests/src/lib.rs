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
