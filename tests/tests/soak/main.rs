//! A session is never lost: many processes at once, and processes that are killed anywhere.
//!
//! With small numbers, and with the full ones in `make soak`, which prints what was counted.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![allow(clippy::print_stdout, reason = "what was lost, and why, is said before the test fails")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

mod ast;
mod astro;
mod browser;
mod figures;
mod kept;
mod killed;
mod stepped;
mod storm;
mod synced;
mod terminal;
mod work;
