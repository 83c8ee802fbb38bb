//! The real `ast` with what nobody here wrote: npm `oidc-provider`, WorkOS's own emulator, and
//! gnome-keyring; and with certificates and proxies as networks have them.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

mod astro;
mod keyring;
mod middle;
mod oidc;
mod proxy;
mod tls;
mod workos;

use astropass_tests::ast::{Home, Output};
use serde_json::Value;

/// The tokens that `credentials.json` holds.
fn tokens(home: &Home) -> [String; 2] {
    let tokens = &home.credentials()["profiles"]["default"]["tokens"];
    ["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap().to_owned())
}

/// Another home with the same `credentials.json`.
fn copy_of(home: &Home) -> Home {
    let copy = Home::new();
    copy.set_credentials(&home.credentials());
    copy
}

/// What a login says when it has succeeded: the last line of its JSON.
#[track_caller]
fn signed_in(output: &Output) -> Value {
    output.ok();
    let event = output.json().pop().unwrap();
    assert_eq!(event["event"], "signed_in", "{output}");
    event
}

/// The error that a command with `--json` ends with.
#[track_caller]
fn error(output: &Output, code: i32) -> (String, String) {
    assert_eq!(output.code, Some(code), "{output}");
    let event = output.json().pop().unwrap_or_default();
    assert_eq!(event["event"], "error", "{output}");
    ["code", "message"].map(|name| event[name].as_str().unwrap().to_owned()).into()
}
