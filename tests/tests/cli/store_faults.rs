//! Every fault of the store has a name and a next step, and costs nobody his session.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use astropass_tests::ast::{Ast, program};
use astropass_tests::sandbox::mount_namespace;

use super::World;

/// A login sets what it cannot read aside; see `store.rs`.
const READ: [&str; 4] = ["token", "whoami", "logout", "api /api/v1/me"];

const LOGIN: &str = "login --client-id c --server https://a.example";

const ALL: [&str; 5] = [READ[0], READ[1], READ[2], READ[3], LOGIN];

/// Every command ends with the error `code`, whose message says `next`.
#[track_caller]
fn assert_refused(commands: impl IntoIterator<Item = Ast>, code: &str, next: &str) {
    for command in commands {
        let output = command.args(["--json"]).run();
        assert_eq!(output.code, Some(7), "{output}");
        let error = output.json().pop().unwrap();
        assert_eq!((error["event"].as_str(), error["code"].as_str()), (Some("error"), Some(code)));
        assert!(error["message"].as_str().unwrap().contains(next), "{output}");
    }
}

/// A signed-in world whose file is `spoilt` for a while.
#[track_caller]
fn while_spoilt(spoil: impl FnOnce(&Path), commands: &[&str], code: &str, next: &str) {
    let world = World::signed_in();
    let (file, before) = (world.home.credentials_file(), world.home.credentials());
    let kept = world.home.path().join("kept");
    fs::rename(&file, &kept).unwrap();
    spoil(&file);
    assert_refused(commands.iter().map(|command| world.ast(command)), code, next);
    let names = fs::read_dir(file.parent().unwrap()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = names.filter(|name| !name.ends_with(".lock")).collect();
    assert_eq!(left, ["credentials.json"]);

    if file.is_dir() {
        fs::remove_dir(&file).unwrap();
    }
    fs::rename(&kept, &file).unwrap();
    assert_eq!(world.home.credentials(), before);
    world.ast("token").printing_a_token().run().ok();
    assert_eq!(world.refreshes(), 0);
}

/// A file of that text.
fn text(text: &str) -> impl FnOnce(&Path) {
    use std::os::unix::fs::PermissionsExt;
    move |file| {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn empty() {
    while_spoilt(text(""), &READ, "store_corrupt", "Run 'ast login' to sign in again");
}

#[test]
fn half_a_json() {
    let half = r#"{"version": 1, "profiles": {"default": {"sess"#;
    while_spoilt(text(half), &READ, "store_corrupt", "keeps a file that cannot be read under");
}

#[test]
fn newer() {
    let newer = r#"{"version": 2, "profiles": {}}"#;
    while_spoilt(text(newer), &ALL, "store_newer", "Update this program.");
}

#[test]
fn folder_instead() {
    let make = |file: &Path| fs::create_dir(file).unwrap();
    while_spoilt(make, &ALL, "store_denied", "is not a file; move it away");
}

#[test]
fn link_instead() {
    let link = |file: &Path| symlink("../kept", file).unwrap();
    while_spoilt(link, &ALL, "store_denied", "put the file itself there");
}

/// `ast` in a mount namespace of its own, which ends with it, after `script` has prepared `.astro`.
/// It fails with 99 if the file was changed there, or a temporary one is left.
pub(super) fn mounted(world: &World, namespace: &[&str], script: &str, args: &str) -> Ast {
    let script = format!(
        r#"cd "$ASTRO_HOME"; {script} before=$(cat .astro/credentials.json)
        "$@"; code=$?; [ "$(cat .astro/credentials.json)" = "$before" ] || exit 99
        ls -A .astro | grep '^[.].*tmp$' && exit 99; exit $code"#
    );
    let unshare = world.home.program_at(Path::new("/usr/bin/unshare")).args(namespace);
    let shell = unshare.args(["sh", "-c", &script, "sh"]).args([program("ast")]);
    shell.args(args.split_whitespace())
}

/// A refresh and a login, and a logout after them, that find `.astro` as `script` leaves it.
fn while_mounted(script: &str, code: &str, next: &str) {
    let Some(namespace) = mount_namespace() else { return };
    let mounted = |world: &World, args| mounted(world, &namespace, script, args);
    let world = World::signed_in();
    world.home.age("default", 301);
    let before = world.home.credentials();
    let url = world.server.url();
    let login = format!("login --workos-url {url} --server {url} --client-id c --store file");
    let commands = ["token", &login].map(|args| mounted(&world, args));
    assert_refused(commands, code, next);
    assert_eq!(world.home.credentials(), before);
    assert_eq!(world.server.stats().polls + world.refreshes(), 1, "only the test's own login");
    world.ast("token").printing_a_token().run().ok();
    assert_refused([mounted(&world, "logout")], code, next);
}

const FULL: &str =
    "mkdir small; mount -t tmpfs -o size=64k,mode=700 none small; cp -p .astro/* small;
    dd if=/dev/zero of=small/filler 2>/dev/null; mount --bind small .astro;";

#[test]
fn full_disk() {
    while_mounted(FULL, "store_io", "free some space");
}

#[test]
fn a_logout_that_cannot_write_did_not_say_that_the_server_may_have_ended_the_session() {
    let Some(namespace) = mount_namespace() else { return };
    let world = World::signed_in();
    let logout = mounted(&world, &namespace, FULL, "logout");
    assert_refused([logout], "store_io", "though the server may have ended it; free some space");
    assert_eq!(world.server.stats().sign_outs, 1);
}

#[test]
fn read_only_folder() {
    let script = "mount --bind .astro .astro; mount -o remount,ro,bind .astro;";
    while_mounted(script, "store_denied", "set ASTRO_HOME to a place that can be written");
}

/// Puts a copy that belongs to another user in the place of `what`, or, since only root can give
/// something away, what is root's: `roots`.
pub(super) fn given_away(what: &str, roots: &str) -> String {
    format!(
        "mkdir -p small; mount -t tmpfs none small; cp -a {what} small/given;
        chown -R 65534 small/given 2>/dev/null && other=small/given || other={roots};
        mount --bind $other {what};"
    )
}

#[test]
fn of_another_user() {
    let next = "belongs to another user; run this as that user, or set ASTRO_HOME";
    while_mounted(&given_away(".astro/credentials.json", "/etc/passwd"), "store_denied", next);
    // No folder of root's has such a file in it; one without is in `stores/file_system.rs`.
    if rustix::process::geteuid().is_root() {
        while_mounted(&given_away(".astro", ""), "store_denied", next);
    }
}
