//! The eleven rules of a session, in virtual time: each test is named after what would break.
//!
//! A [`World`](world::World) has one authorization server that rotates refresh tokens and ends the
//! session when one is used twice, one profile whose store can fail at any call, and a clock that
//! moves only when everybody waits.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

#[path = "session_rules/browser.rs"]
mod browser;
#[path = "session_rules/clock.rs"]
mod clock;
#[path = "session_rules/failures.rs"]
mod failures;
#[path = "session_rules/fresh.rs"]
mod fresh;
#[path = "session_rules/identity.rs"]
mod identity;
#[path = "session_rules/login.rs"]
mod login;
#[path = "session_rules/logout.rs"]
mod logout;
#[path = "session_rules/memory.rs"]
mod memory;
#[path = "session_rules/once.rs"]
mod once;
#[path = "session_rules/organizations.rs"]
mod organizations;
#[path = "session_rules/rejected.rs"]
mod rejected;
#[path = "session_rules/saved.rs"]
mod saved;
#[path = "session_rules/server.rs"]
mod server;
#[path = "session_rules/store.rs"]
mod store;
#[path = "session_rules/taken_back.rs"]
mod taken_back;
#[path = "session_rules/world.rs"]
mod world;
