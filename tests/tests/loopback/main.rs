//! `Session::login_with_browser` and the port of this machine that the browser comes back to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

mod ends;
mod junk;
mod outcome;
mod ports;
mod world;
