//! A credential store in trouble: exit code 7, and nothing is lost.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use astropass_tests::server::Approval;
use serde_json::json;

use super::gate::Gate;
use super::{NOT_LOGGED_IN, World, eager};

#[test]
fn a_file_in_the_place_of_the_folder_exits_with_7() {
    let world = World::new(eager());
    fs::write(world.home.path().join(".astro"), "").unwrap();
    for command in ["whoami", "token", "logout", "profile list", "profile use default"] {
        let output = world.ast(command).run();
        assert!(output.failed(7).contains(".astro"), "{output}");
    }
    let output = world.login("").run();
    assert!(output.failed(7).starts_with("Error: "), "{output}");
    assert_eq!(world.server.events(), [], "before anybody is sent to a browser");
}

#[test]
fn a_keyring_that_is_not_there_exits_with_7_when_it_is_asked_for() {
    let world = World::new(eager());
    let output = world.login("--store keyring").run();
    let error = output.failed(7);
    assert!(error.ends_with("Start the keyring, or sign in with 'ast login --store file'."));
    let output = world.login("--store keyring --json").run();
    assert_eq!((output.code, &output.json()[0]["event"]), (Some(7), &"error".into()));
    assert_eq!(world.server.events(), []);
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let world = World::signed_in();
    let mut credentials = world.home.credentials();
    credentials["version"] = json!(99);
    world.home.set_credentials(&credentials);
    for command in ["token", "logout", "login --client-id c --server https://a.example"] {
        let output = world.ast(command).run();
        assert!(output.failed(7).contains("version 99"), "{output}");
    }
    assert_eq!(world.home.credentials(), credentials);
}

#[test]
fn a_file_that_is_no_json_is_set_aside_by_the_next_login_and_not_before() {
    for text in ["", "{\"version\": 1, \"profi"] {
        let world = World::new(eager());
        fs::create_dir(world.home.path().join(".astro")).unwrap();
        fs::write(world.home.credentials_file(), text).unwrap();
        let output = world.ast("whoami").run();
        assert!(output.failed(7).contains("Run 'ast login'"), "{output}");
        let login = world.login("");
        let output = world.log_in(login);
        output.ok();
        assert!(output.stderr.contains("could not be read and is kept as"), "{output}");
        let names = fs::read_dir(world.home.path().join(".astro")).unwrap();
        let kept = names.map(|entry| entry.unwrap().path());
        let kept: Vec<_> =
            kept.filter(|path| path.to_string_lossy().contains(".corrupt-")).collect();
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert_eq!(fs::read_to_string(&kept[0]).unwrap(), text);
        world.ast("whoami").run().ok();
    }
}

/// It was set aside before anybody had signed in, and nothing named it afterwards.
#[test]
fn a_login_that_comes_to_nothing_leaves_a_file_that_cannot_be_read() {
    let world = World::new(eager());
    world.home.set_credentials(&json!({"version": 1}));
    fs::write(world.home.credentials_file(), "{\"version\": 1, \"profi").unwrap();
    let files = || {
        let names = fs::read_dir(world.home.path().join(".astro")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.ends_with(".lock")).collect();
        names.sort();
        names
    };
    let mut login = world.login("--no-browser --json").start();
    login.prompt();
    login.interrupt();
    assert_eq!(login.finish().code, Some(130));
    assert_eq!(files(), ["credentials.json"]);
    assert!(world.ast("whoami").run().failed(7).contains("is not whole JSON"));

    let login = world.login("");
    world.log_in(login).ok();
    let [kept, _] = files().try_into().unwrap();
    assert!(kept.starts_with("credentials.corrupt-"), "{kept}");
    world.ast("whoami").run().ok();
    let output = world.ast("whoami --profile other").run();
    assert_eq!(output.code, Some(4));
    let path = world.home.path().join(".astro").join(&kept);
    let says =
        format!("! A credentials file that could not be read is kept as {}.", path.display());
    assert!(output.stderr.starts_with(&says), "{output}");
}

#[test]
fn a_link_in_the_place_of_the_file_is_refused() {
    let world = World::signed_in();
    let elsewhere = world.home.path().join(".astro/credentials.lock");
    fs::remove_file(world.home.credentials_file()).unwrap();
    fs::write(&elsewhere, "").unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&elsewhere, world.home.credentials_file()).unwrap();
    let output = world.ast("token").run();
    assert!(output.failed(7).contains("symbolic link"), "{output}");
}

#[test]
fn a_file_that_others_could_read_is_made_private() {
    let world = World::signed_in();
    let file = world.home.credentials_file();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = world.ast("whoami").run();
    output.ok();
    assert!(output.stderr.starts_with("! Others could read "), "{output}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_older_clients_file_is_taken_over_and_asks_for_one_login() {
    let world = World::new(eager());
    world.home.set_credentials(&json!({
        "profiles": {"default": {
            "expires_at": "2026-01-01T00:00:00Z",
            "user": {"id": "user_ada", "email": "ada@example.com", "first_name": "Ada",
                     "last_name": "Lovelace", "account_name": "Ada", "account_id": "acct_ada"},
        }},
        "current_profile": "default",
    }));
    let output = world.ast("whoami").run();
    assert_eq!(output.code, Some(4), "{output}");
    assert!(output.stderr.contains(NOT_LOGGED_IN), "{output}");
    assert!(output.stderr.contains("older"), "it says why: {output}");
    assert_eq!(world.home.credentials()["version"], 1);
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN, "and only once");
}

#[test]
fn a_token_whose_rotated_session_cannot_be_stored_is_printed_and_exits_with_7() {
    let world = World::signed_in();
    for (command, printed) in [("token", "\n"), ("token --json", "}\n"), ("api /api/v1/me", "}")] {
        world.home.age("default", 301);
        let stored = world.home.credentials();
        let gate = Gate::before_token(&world);
        let ast = world.ast(command).printing_a_token().start();
        let refresh = gate.next();
        let (folder, kept) = (world.home.path().join(".astro"), world.home.path().join("kept"));
        fs::rename(&folder, &kept).unwrap();
        fs::write(&folder, "").unwrap();
        refresh.answer();
        let output = ast.finish();
        fs::remove_file(&folder).unwrap();
        fs::rename(&kept, &folder).unwrap();

        assert_eq!(output.code, Some(7), "{output}");
        assert!(output.stdout.ends_with(printed), "it did what it was asked for: {output}");
        let warning = "! The session was refreshed but not stored (";
        assert!(output.stderr.starts_with(warning), "{output}");
        assert_eq!(output.stderr.lines().count(), 1, "{output}");
        world.home.set_credentials(&stored);
        world.sign_in("default");
    }
}

#[test]
fn a_notice_is_printed_once_with_verbose_too() {
    let world = World::signed_in();
    for command in ["whoami", "whoami --verbose"] {
        let file = world.home.credentials_file();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let output = world.ast(command).run();
        assert_eq!(output.stderr.matches("Others could read ").count(), 1, "{output}");
    }
}

/// Otherwise the server would keep a session that nobody holds.
#[test]
fn a_login_that_cannot_be_stored_is_signed_out_at_the_server() {
    let world = World::new(eager());
    let mut login = world.login("--json --no-browser").start();
    let prompt = login.prompt();
    // What is stored can be read, but not be changed any more once it is approved.
    let lock = world.home.path().join(".astro/refresh-default.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    world.server.approve(prompt["user_code"].as_str().unwrap(), &Approval::default()).unwrap();
    let output = login.finish();
    assert_eq!(output.code, Some(7), "{output}");
    assert_eq!(output.json()[1]["code"], "store_io");
    assert_eq!(world.server.stats().sign_outs, 1);
}
