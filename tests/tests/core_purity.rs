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

/// All that core may depend on, directly or not. A new name here needs a reason: none of these
/// does I/O, reads a clock or takes random bytes.
const DEPENDENCIES: &[&str] = &["astropass-core", "base64ct", "zeroize"];

/// The modules of `std` that hold data and traits. Of `time`, `Duration` alone is data.
const STD_MODULES: &[&str] = &[
    "array",
    "borrow",
    "cell",
    "char",
    "cmp",
    "collections",
    "convert",
    "error",
    "fmt",
    "future",
    "hash",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "pin",
    "ptr",
    "slice",
    "str",
    "string",
    "sync",
    "task",
    "vec",
];

/// Macros that print, or read the machine that compiles.
const MACROS: &[&str] = &[
    "dbg",
    "env",
    "eprint",
    "eprintln",
    "include_bytes",
    "include_str",
    "option_env",
    "print",
    "println",
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

/// The offences in a source text, as `line: what`.
fn scan(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut offences = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let after_path = text(at.wrapping_sub(1)) == "::";
        let macro_call = text(at + 1) == "!";
        let offence = match token.text.as_str() {
            "std" | "core" if text(at + 1) == "::" => paths(&tokens, at + 2)
                .into_iter()
                .find(|path| !is_data(path))
                .map(|path| format!("{}::{path}", token.text)),
            "std" => Some("std by another name".to_owned()),
            "SystemTime" => Some("SystemTime".to_owned()),
            "now" if after_path && text(at.wrapping_sub(2)) == "Instant" => {
                Some("Instant::now".to_owned())
            }
            name if macro_call && MACROS.contains(&name) => Some(format!("{name}!")),
            "cfg" | "cfg_attr" => platform_in(&tokens, at),
            "cfg_if" => Some("cfg_if".to_owned()),
            _ => None,
        };
        offences.extend(offence.map(|what| format!("{}: {what}", token.line)));
    }
    offences
}

/// `fmt`, `sync::Arc`, `time::Duration`, and nothing else of `time`.
fn is_data(path: &str) -> bool {
    match path.split_once("::") {
        Some(("time", what)) => what == "Duration" || what.starts_with("Duration::"),
        Some((module, _)) => STD_MODULES.contains(&module),
        None => STD_MODULES.contains(&path),
    }
}

/// The paths of a use tree or an expression whose first segment is at `start`.
fn paths(tokens: &[Token], start: usize) -> Vec<String> {
    let mut paths = Vec::new();
    let mut prefixes = vec![String::new()];
    let mut path = String::new();
    for token in tokens.iter().skip(start) {
        let text = token.text.as_str();
        match text {
            "{" if path.is_empty() || path.ends_with("::") => prefixes.push(path.clone()),
            "," | "}" if prefixes.len() > 1 => {
                // After a closed group the path is its prefix, which says nothing more.
                if !path.is_empty() && !path.ends_with("::") {
                    paths.push(path.clone());
                }
                if text == "}" {
                    prefixes.pop();
                }
                path = prefixes.last().cloned().unwrap_or_default();
            }
            "::" => path.push_str(text),
            _ if (path.is_empty() || path.ends_with("::")) && (token.is_word || text == "*") => {
                path.push_str(text);
            }
            // `fmt as f` inside a group.
            _ if prefixes.len() > 1 => {}
            _ => break,
        }
        if prefixes.len() == 1 && text == "}" {
            break;
        }
    }
    if !path.is_empty() && !path.ends_with("::") {
        paths.push(path);
    }
    paths
}

fn platform_in(tokens: &[Token], cfg: usize) -> Option<String> {
    let mut depth = 0_usize;
    for token in tokens.iter().skip(cfg + 1) {
        match token.text.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            name @ ("unix" | "windows") => return Some(format!("cfg({name})")),
            name if name.starts_with("target_") => return Some(format!("cfg({name})")),
            "!" => continue,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    None
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
    is_word: bool,
}

/// Words, `::` and single characters; no comments, and no insides of strings.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let line = source.len() - rest.len();
        let length = skipped(rest).unwrap_or_else(|| {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                _ => word,
            };
            let text = rest.get(..length).unwrap_or_default().to_owned();
            if !first.is_whitespace() {
                tokens.push(Token { line, text, is_word: word > 0 });
            }
            length
        });
        rest = rest.get(length..).unwrap_or_default();
    }
    for token in &mut tokens {
        token.line = source.get(..token.line).unwrap_or_default().matches('\n').count() + 1;
    }
    tokens
}

/// The length of the comment, string or character at the start of `rest`, if there is one.
fn skipped(rest: &str) -> Option<usize> {
    let until = |end: &str, from: usize| {
        rest.get(from..)
            .and_then(|text| text.find(end))
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if let Some(opening) = raw_string_opening(rest) {
        return Some(until(&format!("\"{}", "#".repeat(opening.hashes)), opening.length));
    }
    match rest.chars().next() {
        Some('"') => Some(escaped(rest, '"')),
        // `'a'` and `'\n'`, but not the lifetime `'a`.
        Some('\'') if rest.chars().nth(1) == Some('\\') => Some(escaped(rest, '\'')),
        Some('\'') if rest.chars().nth(2) == Some('\'') => {
            Some(rest.chars().take(3).map(char::len_utf8).sum())
        }
        _ => None,
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(text) = rest.get(at..).filter(|text| !text.is_empty()) {
        if text.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

struct RawString {
    hashes: usize,
    length: usize,
}

fn raw_string_opening(rest: &str) -> Option<RawString> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after
        .get(hashes..)?
        .starts_with('"')
        .then_some(RawString { hashes, length: rest.len() - after.len() + hashes + 1 })
}

/// The length of a literal that ends with `quote`, where a backslash takes the next character.
fn escaped(rest: &str, quote: char) -> usize {
    let mut escape = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escape => escape = false,
            '\\' => escape = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
