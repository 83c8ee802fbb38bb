//! Finding the programs under test.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The program `name` of this workspace: `ast` or `api-caller`.
///
/// Cargo tells a test the path of a program of its own package only, and does not build the others
/// for it. So the first call asks the cargo that runs the tests to build them: with the same
/// profile, in the same target directory, and with the features that they are installed with. By
/// the time that tests run, cargo no longer holds its lock there.
///
/// # Panics
/// If they cannot be built.
pub fn program(name: &str) -> &'static Path {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(build);
    programs.get(name).expect("the program under test, which could not be built: see above")
}

/// None if they cannot be built: cargo says why, and each test that needs one fails.
fn build() -> BTreeMap<String, PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--locked", "--bins", "--message-format=json-render-diagnostics"])
        .args(["--package", "astropass-cli", "--package", "api-caller"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // They would become the defaults of a distribution.
        .env_remove("ASTRO_CLIENT_ID")
        .env_remove("ASTRO_SERVER")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    // What cargo told this test of its package would make build scripts run anew.
    for (name, _) in env::vars_os() {
        let name_of = name.to_string_lossy();
        if name_of.starts_with("CARGO_PKG_") || name_of.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    // This test is TARGET/PROFILE/deps/NAME.
    let test = env::current_exe().expect("the path of this test");
    let mut above = test.ancestors().skip(2);
    if let (Some(profile), Some(target)) = (above.next(), above.next()) {
        let profile = match profile.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        command.args(["--profile", profile, "--target-dir"]).arg(target);
    }
    let built = command.output().expect("cargo can be run");
    let messages = String::from_utf8_lossy(&built.stdout);
    messages.lines().filter_map(executable).collect()
}

/// The name and path of a program in one of cargo's messages.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    Some((name.to_owned(), path.into()))
}
