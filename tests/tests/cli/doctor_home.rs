//! `ast doctor` and the folder of the credentials: its files, their modes and their locks.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use astropass_tests::ast::{Report, program};
use serde_json::json;

use super::gate::Gate;
use super::{World, eager};

/// Every file of the home with its mode and content.
pub(super) fn everything(home: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(home.join(".astro")) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            let content = fs::read(entry.path()).unwrap_or_default();
            (entry.file_name().into_string().unwrap(), mode, content)
        })
        .collect();
    files.sort();
    files
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_keeps_nothing_from_being_looked_at() {
    let world = World::new(eager());
    let url = world.server.url().to_owned();
    let file = world.home.credentials_file();
    world.home.set_credentials(&json!({"version": 1}));
    let link = || {
        fs::rename(&file, file.with_file_name("elsewhere")).unwrap();
        symlink("elsewhere", &file).unwrap();
    };
    let folder = || {
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
    };
    let faults: [(&dyn Fn(), &str); 5] = [
        (&|| fs::write(&file, "").unwrap(), "is not whole JSON"),
        (&|| fs::write(&file, "{\"version\": 1, \"profi").unwrap(), "is not whole JSON"),
        (&|| fs::write(&file, "{\"version\": 99}").unwrap(), "Update this program."),
        (&link, "symbolic link"),
        (&folder, "is not a file"),
    ];
    for (make, says) in faults {
        make();
        let before = everything(world.home.path());
        let doctor = world.ast("doctor").env("ASTRO_ISSUER", &url).env("ASTRO_SERVER", &url);
        let report = Report::of(doctor, 7);
        report.assert("file", "failure", says);
        report.assert("session", "warning", "not known");
        report.assert("store", "warning", "not known");
        report.assert("provider", "ok", "answers");
        assert!(everything(world.home.path()) == before, "nothing is changed");
    }
}

#[test]
fn a_file_in_the_place_of_the_folder() {
    let world = World::new(eager());
    fs::write(world.home.path().join(".astro"), "").unwrap();
    let report = Report::of(world.ast("doctor").env("ASTRO_ISSUER", world.server.url()), 7);
    report.assert("home", "failure", "~/.astro is not a folder");
    report.assert("provider", "ok", "answers");
}

/// It said that the first login makes it, whatever kept that from being done.
#[test]
fn a_home_that_cannot_be_made() {
    let world = World::new(eager());
    let at = |name: &str| {
        let doctor = world.ast("doctor").env("ASTRO_HOME", world.home.path().join(name));
        doctor.env("ASTRO_ISSUER", world.server.url())
    };
    let path = |name: &str| world.home.path().join(name);
    fs::write(path("file"), "").unwrap();
    fs::create_dir(path("linked")).unwrap();
    symlink("nowhere", path("linked/.astro")).unwrap();
    for (name, says) in [
        ("file", "cannot create a folder in ~/file ("),
        ("file/deeper", "cannot create a folder in ~/file ("),
        ("linked", "~/linked/.astro is a symbolic link that leads nowhere"),
        ("linked/.astro", "~/linked/.astro is a symbolic link that leads nowhere"),
    ] {
        let report = Report::of(at(name), 7);
        report.assert("home", "failure", says);
        report.assert("lock", "ok", "free");
        report.assert("provider", "ok", "answers");
    }
    Report::of(at("missing/deeper"), 0).assert("home", "ok", "is not there yet");
    assert!(!path("missing").exists(), "nothing is made");
}

/// Root may write anywhere, and is somebody else here.
#[test]
#[cfg(target_os = "linux")]
fn a_home_in_a_folder_that_cannot_be_written() {
    let Some(namespace) = astropass_tests::sandbox::mount_namespace() else { return };
    let world = World::new(eager());
    let folder = world.home.path().join("closed");
    fs::create_dir(&folder).unwrap();
    let doctor = |unshare: &[&str], script: &str| {
        let script = format!("cd \"$ASTRO_HOME\"; {script} exec \"$@\"");
        let shell = ["sh", "-c", &script, "sh", program("ast").to_str().unwrap(), "doctor"];
        let unshare = world.home.program_at(Path::new("/usr/bin/unshare")).args(unshare);
        unshare.args(shell).env("ASTRO_ISSUER", world.server.url()).env("ASTRO_HOME", &folder)
    };
    let read_only = "mount --bind . .; mount -o remount,ro,bind .; cd .;";
    let report = Report::of(doctor(&namespace, read_only), 7);
    report.assert("home", "failure", "cannot create a folder in ~/closed (Read-only file system");
    report.assert("home", "failure", "Set ASTRO_HOME to a place that can be written.");
    set_mode(&folder, 0o555);
    let report = Report::of(doctor(&["--user", "--map-user=12345"], ""), 7);
    report.assert("home", "failure", "cannot create a folder in ~/closed (Permission denied");
    report.assert("home", "failure", "Make it your own, or set ASTRO_HOME.");
}

/// As after `sudo` that kept the user's own home: nothing of it could be used by him.
#[test]
#[cfg(unix)]
fn a_home_in_a_folder_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = World::new(eager());
    std::os::unix::fs::chown(world.home.path(), Some(12345), None).unwrap();
    let doctor = world.ast("doctor").env("ASTRO_ISSUER", world.server.url());
    let report = Report::of(doctor, 0);
    report.assert("home", "warning", "is not there yet, and ~ belongs to another user");
}

/// As in a container whose user is any number.
#[test]
#[cfg(target_os = "linux")]
fn a_user_without_a_home() {
    if astropass_tests::sandbox::mount_namespace().is_none() {
        return;
    }
    let world = World::new(eager());
    for (name, command, code) in [("ast", "token", 7), ("astro", "whoami", 7)] {
        let program = |command: &str| {
            let unshare = world.home.program_at(Path::new("/usr/bin/unshare"));
            let program = unshare.args(["--user", "--map-user=12345"]).args([program(name)]);
            program.args([command]).without("HOME").without("ASTRO_HOME")
        };
        let output = program(command).run();
        assert!(output.failed(code).ends_with("there is no home directory; set ASTRO_HOME."));
        let doctor = program("doctor").env("ASTRO_ISSUER", world.server.url());
        let report = Report::of(doctor, code);
        report.assert("home", "failure", "Set ASTRO_HOME.");
        report.assert("store", "warning", "not known");
        report.assert("session", "warning", "not known");
    }
}

#[test]
fn what_others_can_read_is_said_and_left_to_the_next_command() {
    let world = World::signed_in();
    let file = world.home.credentials_file();
    set_mode(&file, 0o644);
    set_mode(file.parent().unwrap(), 0o755);
    let report = Report::of(world.ast("doctor"), 0);
    report.assert_ok_but(&["home", "file"]);
    report.assert("home", "warning", "mode 0755: others can");
    report.assert("file", "warning", "mode 0644: others can");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    world.ast("logout").run().ok();
    Report::of(world.ast("doctor"), 0).assert("file", "ok", "mode 0600");
}

#[test]
fn the_older_clients_file_is_left_to_the_next_login() {
    let world = World::new(eager());
    world.home.set_credentials(&json!({"profiles": {"default": {}}, "current_profile": "default"}));
    let before = everything(world.home.path());
    let report = Report::of(world.ast("doctor").env("ASTRO_ISSUER", world.server.url()), 0);
    report.assert("file", "warning", "an older client wrote credentials.json");
    assert!(everything(world.home.path()) == before, "nothing is changed");
}

#[test]
fn what_was_left_behind() {
    let world = World::signed_in();
    let mut credentials = world.home.credentials();
    credentials["sweep"] = json!([{"profile": "default", "revision": "r", "items": 3}]);
    world.home.set_credentials(&credentials);
    let folder = world.home.path().join(".astro");
    for name in ["credentials.corrupt-2026-01-01T000000Z.json", ".credentials.0.tmp"] {
        fs::write(folder.join(name), "").unwrap();
        set_mode(&folder.join(name), 0o600);
    }
    let report = Report::of(world.ast("doctor"), 0);
    report.assert("leftovers", "warning", "3 keyring items");
    report.assert("file", "warning", "credentials.corrupt-2026-01-01T000000Z.json");
    report.assert("file", "ok", ".credentials.0.tmp");
}

#[test]
fn who_holds_the_lock() {
    let world = World::signed_in();
    world.home.age("default", 301);
    let gate = Gate::before_token(&world);
    let token = world.ast("token").printing_a_token().start();
    let refresh = gate.next();
    let report = Report::of(world.ast("doctor"), 0);
    let held = report.assert("lock", "warning", "the refresh lock is held by ");
    if cfg!(target_os = "linux") {
        assert_eq!(held["holders"], json!([{"pid": token.id(), "program": "ast"}]));
    }
    refresh.answer();
    token.finish().ok();
    Report::of(world.ast("doctor"), 0).assert("lock", "ok", "free");
}

/// As after one `sudo ast`.
#[test]
#[cfg(target_os = "linux")]
fn a_lock_of_another_user() {
    use super::store_faults::{given_away, mounted};
    let Some(namespace) = astropass_tests::sandbox::mount_namespace() else { return };
    let world = World::signed_in();
    world.home.age("default", 301);
    world.ast("token").printing_a_token().run().ok();
    let script = given_away(".astro/refresh-default.lock", "/etc/passwd");
    let report = Report::of(mounted(&world, &namespace, &script, "doctor"), 7);
    report.assert("file", "failure", "refresh-default.lock belongs to another user");
}
