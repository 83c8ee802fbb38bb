//! Every response shape of `tests/vectors/*.json`, fed to the machines in virtual time.
//!
//! The files are plain data and the [`runner`] takes its JSON parser as an argument and needs
//! nothing else, so that the same vectors run wherever core does. The format is described there.
#![cfg(test)]

#[path = "vectors/api.rs"]
mod api;
#[path = "vectors/contract.rs"]
mod contract;
#[path = "vectors/conversation.rs"]
mod conversation;
#[path = "vectors/describe.rs"]
mod describe;
#[path = "vectors/hostile.rs"]
mod hostile;
#[path = "vectors/json.rs"]
mod json;
#[path = "vectors/kept.rs"]
mod kept;
#[path = "vectors/machine.rs"]
mod machine;
#[path = "vectors/pairs.rs"]
mod pairs;
#[path = "vectors/plain.rs"]
mod plain;
#[path = "vectors/runner.rs"]
mod runner;
#[path = "vectors/sockets.rs"]
mod sockets;

use std::fs;
use std::path::Path;

macro_rules! vectors {
    ($($file:ident)*) => {
        const FILES: &[&str] = &[$(stringify!($file)),*];
        $(
            #[test]
            fn $file() {
                let path = folder().join(concat!(stringify!($file), ".json"));
                let text = fs::read(path).unwrap();
                let count = runner::run(&text, astropass::parse_json).unwrap_or_else(|failures| {
                    panic!("{} failed:\n\n{}", failures.len(), failures.join("\n\n"))
                });
                assert!(count > 0, "no vectors");
            }
        )*
    };
}

vectors! {
    account auth_config code credentials device_authorization device_flow discovery domain endpoint
    hostile houston_auth_config houston_create_token houston_workspaces id_token organization_lookup
    pasted_token refresh revocation token userinfo
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors"))
}

#[test]
fn no_file_is_left_out() {
    let mut found: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, FILES);
}

/// A runner that accepts anything would pass everything.
#[test]
fn a_wrong_expectation_is_noticed() {
    let vectors = br#"{"machine": "endpoint", "vectors": [
        {"name": "right", "url": "https://a.example", "expect": "refused"},
        {"name": "wrong", "url": "ftp://a.example", "expect": {"text": "ftp://a.example/"}}
    ]}"#;
    let failures = runner::run(vectors, astropass::parse_json).unwrap_err();
    assert_eq!(failures.len(), 2, "{failures:?}");
}

#[test]
fn a_wrong_outcome_of_a_hostile_answer_is_noticed() {
    let text = fs::read_to_string(folder().join("hostile.json")).unwrap();
    let wrong = text.replacen(r#""not JSON": "malformed_response""#, r#""not JSON": "done""#, 1);
    let failures = runner::run(wrong.as_bytes(), astropass::parse_json).unwrap_err();
    assert!(failures.iter().any(|failure| failure.contains("userinfo (standard): a page")));
    assert!(!failures.iter().any(|failure| failure.contains("revocation")), "{failures:?}");
}
