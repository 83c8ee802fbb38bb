//! The program, the system, and what the environment says.

use std::env::consts::{ARCH, OS};
use std::fs;

use astropass::Keyring;
use serde_json::json;

use super::check::Check;
use crate::args::Global;
use crate::context::{self, Context, VARIABLES};
use crate::failure::Failure;
use crate::program::Program;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn program() -> Check {
    let (name, keyring) = (Program::running().name(), Keyring::PLATFORM);
    let mut message = format!("{name} {VERSION}, keyring: {keyring}, TLS: rustls with ring");
    for (what, given) in
        [("client", option_env!("ASTRO_CLIENT_ID")), ("API server", option_env!("ASTRO_SERVER"))]
    {
        if given.is_some() {
            message.push_str(&format!(", built with {what}"));
        }
    }
    Check::ok("Program", message).fact("version", VERSION)
}

pub(super) fn system() -> Check {
    let mut message = format!("{OS} {ARCH}");
    for more in [distribution(), kernel()].into_iter().flatten() {
        message.push_str(", ");
        message.push_str(&more);
    }
    Check::ok("System", message).fact("os", OS).fact("arch", ARCH)
}

/// `os-release`(5)
fn distribution() -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

fn kernel() -> Option<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(format!("kernel {}", release.trim()))
}

/// Names of variables, and not what they say; `named` is why what they name as the profile cannot be
/// used.
pub(super) fn variables(global: &Global, named: Option<Failure>) -> Vec<Check> {
    let name = "Environment";
    let wrong = [
        context::check_environment().err(),
        context::server_override(global).err(),
        context::store_of_environment().err(),
        context::issuer_of_environment().err(),
        named,
    ];
    let mut checks: Vec<_> =
        wrong.into_iter().flatten().map(|failure| Check::failure(name, failure)).collect();
    if Context::environment_token().is_some() {
        let program = Program::running();
        let (variable, noun) = (program.token_variable(), program.noun());
        checks.push(Check::warning(
            name,
            format!("{variable} is set: commands use it, as it is, and not the {noun}'s session"),
            "Unset it to use the session.",
        ));
    }
    if checks.is_empty() {
        // A path need not be text.
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let set: Vec<_> = VARIABLES.into_iter().chain(["ASTRO_HOME"]).filter(is_set).collect();
        let message = match set.as_slice() {
            [] => "no variable of this program is set".to_owned(),
            set => format!("set: {}", set.join(", ")),
        };
        checks.push(Check::ok(name, message).fact("set", json!(set)));
    }
    checks
}
