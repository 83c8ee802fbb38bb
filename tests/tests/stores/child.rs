//! A test that runs again as child processes.

use std::env;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "ASTROPASS_TEST_ROLE";

/// What this process is to do, if it is a child.
pub(crate) fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// This program as a child that runs `test`, with what it is to do in `role`.
pub(crate) fn start(test: &str, role: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(ROLE, role);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}
