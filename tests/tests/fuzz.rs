//! What fuzzing found worth keeping, on every run and without libFuzzer.
#![cfg(test)]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by a panic, and says why"
)]

use std::fs;
use std::path::{Path, PathBuf};

use astropass_tests::fuzz::{TARGETS, Target};

fn corpus() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus"))
}

/// Runs `target` with its corpus, and gives the number of inputs.
fn replay(name: &str, target: Target) -> usize {
    let files = fs::read_dir(corpus().join(name)).unwrap();
    let inputs = files.map(|file| file.unwrap().path());
    inputs
        .map(|path| {
            let input = fs::read(&path).unwrap();
            let named = Named(path);
            target(&input);
            drop(named);
        })
        .count()
}

/// Says which input it was that failed.
struct Named(PathBuf);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("with {}", self.0.display());
        }
    }
}

#[test]
fn the_corpus_passes() {
    for (name, target) in TARGETS {
        assert!(replay(name, target) > 0, "{name} has no corpus");
    }
}

#[test]
fn each_corpus_has_a_target_and_all_of_them_are_small() {
    let mut found = Vec::new();
    let mut size = 0;
    for folder in fs::read_dir(corpus()).unwrap() {
        let folder = folder.unwrap();
        found.push(folder.file_name().into_string().unwrap());
        let files = fs::read_dir(folder.path()).unwrap();
        size += files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>();
    }
    found.sort();
    assert_eq!(found, TARGETS.map(|(name, _)| name));
    assert!(size < 300_000, "the corpus has {size} bytes: minimize it with `cargo fuzz cmin`");
}
