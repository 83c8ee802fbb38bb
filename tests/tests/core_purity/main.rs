//! `astropass-core` decides and never acts: no I/O, clock, randomness or JSON text of its own, no
//! dependency that has them, and no rule that differs between platforms.
//!
//! Two checks keep it so: what it depends on, and which names its sources use.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

mod scanner;

use scanner::scan;

/// All that core may depend on, directly or not. A new name here needs a reason: none of these
/// does I/O, reads a clock or takes random bytes. From `sha2` on they are SHA-256 (RFC 7636 §4.2).
const DEPENDENCIES: &[&str] = &[
    "astropass-core",
    "zeroize",
    "sha2",
    "block-buffer",
    "cfg-if",
    "cpufeatures",
    "crypto-common",
    "digest",
    "hybrid-array",
    "libc",
    "typenum",
];

type Fallible = Result<(), Box<dyn Error>>;

#[test]
fn core_depends_on_nothing_that_acts() -> Fallible {
    let found = dependencies(&metadata()?)?;
    let allowed = DEPENDENCIES.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let more = found.difference(&allowed).collect::<Vec<_>>();
    assert!(more.is_empty(), "astropass-core may not depend on {more:?}");
    Ok(())
}

#[test]
fn core_uses_nothing_that_acts() -> Fallible {
    let root = core_folder().join("src");
    let files = rust_files(&root)?;
    assert!(files.len() > 10, "the sources of core are in {}", root.display());
    let mut offences = Vec::new();
    for file in files {
        for offence in scan(&fs::read_to_string(&file)?) {
            offences.push(format!("{}:{offence}", file.display()));
        }
    }
    assert!(offences.is_empty(), "astropass-core must not act:\n{}", offences.join("\n"));
    Ok(())
}

#[test]
fn the_scanner_sees_every_way_to_act() {
    for offending in [
        "use std::fs;",
        "let file = std::fs::File::open(path);",
        "use std::{fmt, net::TcpStream};",
        "use std::{sync::Arc, time::{Duration, Instant}};",
        "use std::{\n    env,\n};",
        "use ::std::process;",
        "use std as anything;",
        "use std::*;",
        "use std::time;",
        "use std::time::SystemTime;",
        "use core::time;",
        "let now = std::time::Instant::now();",
        "std::thread::spawn(run)",
        "impl std::io::Read for Body {}",
        "println!(\"{secret}\");",
        "const ID: Option<&str> = option_env!(\"ID\");",
        "#[cfg(target_os = \"windows\")]",
        "#[cfg(all(not(unix), test))]",
        "#[cfg_attr(windows, path = \"windows.rs\")]",
        "if cfg!(target_arch = \"wasm32\") {}",
        "extern crate std as s;",
        "let quote = '\"'; use std::fs; let other = '\"';",
        "let raw = r#\"\"#; use std::fs; // \"",
        "/* /* nested */ */ use std::fs;",
        "let path = \"https://example.com\"; std::fs::read(path);",
    ] {
        assert!(!scan(offending).is_empty(), "not seen: {offending}");
    }
}

#[test]
fn the_scanner_lets_text_and_data_be() {
    for harmless in [
        "// std::fs would be I/O",
        "/// Like [`std::time::Instant`], without a clock.",
        "/* use std::fs; */",
        "let hint = \"std::fs and \\\" println!\";",
        "let raw = r#\"std::fs \" cfg(unix)\"#;",
        "use std::{fmt, sync::{Arc, Mutex}, time::Duration};",
        "use std::time::Duration;",
        "use core::time::Duration;",
        "fn now<'a>(clock: &'a Instant) -> Instant { clock.now() }",
        "for pair in list.windows(2) {}",
        "#[cfg(test)]",
        "writeln!(f, \"{}\", self.env)",
    ] {
        assert!(scan(harmless).is_empty(), "{harmless}: {:?}", scan(harmless));
    }
}

#[test]
fn a_new_dependency_is_seen() -> Fallible {
    let metadata = serde_json::json!({
        "packages": [
            { "id": "c", "name": "astropass-core" },
            { "id": "z", "name": "zeroize" },
            { "id": "g", "name": "getrandom" },
            { "id": "t", "name": "proptest" },
        ],
        "resolve": { "nodes": [
            { "id": "c", "deps": [
                { "pkg": "z", "dep_kinds": [{ "kind": null, "target": null }] },
                { "pkg": "t", "dep_kinds": [{ "kind": "dev", "target": null }] },
            ] },
            { "id": "z", "deps": [
                { "pkg": "g", "dep_kinds": [{ "kind": null, "target": "cfg(windows)" }] },
            ] },
            { "id": "g", "deps": [] },
            { "id": "t", "deps": [] },
        ] },
    });
    let found = dependencies(&metadata)?;
    assert_eq!(found.iter().collect::<Vec<_>>(), ["astropass-core", "getrandom", "zeroize"]);
    Ok(())
}

fn core_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core")
}

fn metadata() -> Result<Value, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").ok_or("run by cargo")?;
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path"])
        .arg(core_folder().join("Cargo.toml"))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What is built into core, or runs when it is built: every dependency but those of its tests.
fn dependencies(metadata: &Value) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let names = list(metadata, "/packages")?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
        .collect::<BTreeMap<_, _>>();
    let nodes = list(metadata, "/resolve/nodes")?
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect::<BTreeMap<_, _>>();

    let (core, _) = names.iter().find(|(_, name)| **name == "astropass-core").ok_or("no core")?;
    let mut found = BTreeSet::new();
    let mut open = vec![*core];
    while let Some(id) = open.pop() {
        let name = names.get(id).ok_or("a package without a name")?;
        if !found.insert((*name).to_owned()) {
            continue;
        }
        for dependency in list(nodes.get(id).ok_or("a package that is not resolved")?, "/deps")? {
            if list(dependency, "/dep_kinds")?.iter().any(|kind| kind["kind"] != "dev") {
                open.push(dependency["pkg"].as_str().ok_or("a dependency without an id")?);
            }
        }
    }
    Ok(found)
}

fn list<'a>(value: &'a Value, pointer: &str) -> Result<&'a Vec<Value>, Box<dyn Error>> {
    Ok(value.pointer(pointer).and_then(Value::as_array).ok_or_else(|| pointer.to_owned())?)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
