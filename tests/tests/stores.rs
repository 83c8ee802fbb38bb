//! The stores: what each of them must do, what can go wrong with each, and what several processes
//! do to one; and the session that stands on them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]
#![allow(clippy::print_stdout, reason = "a child process tells its parent where it stands")]

#[path = "stores/child.rs"]
mod child;
#[path = "stores/choice.rs"]
mod choice;
#[path = "stores/disk.rs"]
mod disk;
#[path = "stores/file_contents.rs"]
mod file_contents;
#[path = "stores/file_system.rs"]
mod file_system;
#[path = "stores/home.rs"]
mod home;
#[path = "stores/items.rs"]
mod items;
#[path = "stores/keyring.rs"]
mod keyring;
#[path = "stores/keyring_hangs.rs"]
mod keyring_hangs;
#[path = "stores/locks.rs"]
mod locks;
#[path = "stores/login.rs"]
mod login;
#[path = "stores/processes.rs"]
mod processes;
#[path = "stores/protocol.rs"]
mod protocol;
#[path = "stores/sending.rs"]
mod sending;
#[path = "stores/server.rs"]
mod server;
#[path = "stores/session.rs"]
mod session;
#[path = "stores/suite.rs"]
mod suite;
