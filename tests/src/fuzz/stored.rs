use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use astropass::{Home, Provider, StoreError, Timestamp, parse_json, wire};
use astropass_core::flow::Pending;
use astropass_core::{Credentials, Stored};
use tempfile::TempDir;

/// Stored credentials, a stored provider and a stored login: what can be read can be written, and
/// is read again as the same.
pub fn credentials(data: &[u8]) {
    let Ok(value) = parse_json(data) else { return };
    let part = |name| value.field(name).cloned().unwrap_or(wire::Value::Null);
    let stored = Stored { session: part("session"), tokens: part("tokens") };
    match Credentials::from_stored(stored) {
        Ok(credentials) => {
            let again = Credentials::from_stored(credentials.to_stored()).unwrap();
            assert_eq!(again.identity, credentials.identity);
            assert_eq!(again.access_token, credentials.access_token);
            assert_eq!(again.refresh_token, credentials.refresh_token);
            assert_eq!(again.lifetime, credentials.lifetime);
            for now in [i64::MIN, -1, 0, 1_800_000_000, i64::MAX] {
                let _ = credentials.freshness(Timestamp::from_unix(now));
            }
            let _ = credentials.expires_at();
        }
        Err(StoreError::Corrupt(_) | StoreError::Newer(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
    if let Some(provider) = Provider::from_value(&part("provider")) {
        assert_eq!(Provider::from_value(&provider.to_value()), Some(provider));
    }
    if let Some(pending) = Pending::from_value(part("pending")) {
        let again = Pending::from_value(pending.to_value()).unwrap();
        assert_eq!(again.provider(), pending.provider());
    }
}

/// `credentials.json`: reading it loses nothing, and what is read can be acted upon.
pub fn document(data: &[u8]) {
    thread_local! {
        static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
    }
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(new_folder);
        let file = folder.path().join(".astro/credentials.json");
        fs::write(&file, data).unwrap();
        let home = Home::in_directory(folder.path());
        let current = home.current("ast");
        match home.profiles() {
            Ok(profiles) => {
                current.unwrap();
                for profile in profiles {
                    let _ = profile.account();
                    assert!(home.profile(&profile.name).unwrap().is_some());
                }
            }
            Err(StoreError::Corrupt(_) | StoreError::Newer(_)) => assert!(current.is_err()),
            Err(error) => panic!("{error:?}"),
        }
        // Only the older client's file is replaced, and kept under a dated name.
        let kept = kept(&file);
        let is_there = fs::read(&file).unwrap() == data || kept.iter().any(|kept| kept == data);
        assert!(is_there, "reading lost the file");
    });
}

/// What is in the folder beside `file` and its locks, which is taken away.
fn kept(file: &Path) -> Vec<Vec<u8>> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(file.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path != file && path.extension().is_none_or(|extension| extension != "lock") {
            kept.push(fs::read(&path).unwrap());
            fs::remove_file(path).unwrap();
        }
    }
    kept
}

/// In memory, where there is a file system for that.
fn new_folder() -> TempDir {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let folder = match tempfile::tempdir_in("/dev/shm") {
        Ok(folder) => folder,
        Err(_) => tempfile::tempdir().unwrap(),
    };
    let astro = folder.path().join(".astro");
    fs::DirBuilder::new().mode(0o700).create(&astro).unwrap();
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options.open(astro.join("credentials.json")).unwrap();
    folder
}
