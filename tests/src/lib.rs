//! What astropass is tested with: an embedded authorization server, and a small HTTP client.
//!
//! `SERVER.md` beside this crate's manifest explains the server to people who want to run their
//! own tests against it.

pub mod client;
pub mod person;
pub mod server;

/// The Rust of the user's page is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../SERVER.md")]
struct Documentation;
