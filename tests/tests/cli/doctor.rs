//! `ast doctor`: whatever is wrong is named, the rest is looked at all the same, nothing is changed,
//! and nothing in it is a secret.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use astropass_tests::ast::{Ast, Report};
use astropass_tests::server::{Fault, Options, PrivateCa, Target, What};

use super::doctor_home::everything;
use super::{CLIENT, World, eager, names};

/// What is looked at, and what programs can read of it: README.md promises these names.
const CHECKS: [(&str, &[&str]); 15] = [
    ("program", &["version"]),
    ("system", &["os", "arch"]),
    ("environment", &["set"]),
    ("home", &["mode", "path", "path_is_default"]),
    ("file", &["mode", "profiles"]),
    ("leftovers", &["items"]),
    ("lock", &[]),
    ("keyring", &["platform", "state"]),
    ("store", &["store", "choice"]),
    ("session", &["signed_in", "expires_at", "can_refresh", "profile"]),
    ("proxy", &[]),
    ("certificates", &[]),
    ("provider", &["issuer"]),
    ("api_server", &["server"]),
    ("clock", &["seconds_ahead"]),
];

fn signed_in_at_standard(options: Options) -> World {
    let world = World::new(options);
    let url = world.server.url();
    let login = format!("login --issuer {url} --server {url} --client-id {CLIENT}");
    let login = world.ast(&login);
    world.log_in(login).ok();
    world
}

#[test]
fn ast_doctor_finds_all_well() {
    let world = signed_in_at_standard(eager());
    let (before, events) = (everything(world.home.path()), world.server.events().len());
    let report = Report::of(world.ast("doctor"), 0);
    report.assert_ok_but(&[]);
    assert_eq!(report.checks().len(), CHECKS.len());
    for (check, (name, fields)) in report.checks().iter().zip(CHECKS) {
        assert_eq!(check["check"], name);
        let fields = [&["check", "status", "message", "next"], fields].concat();
        assert_eq!(names(check), fields, "{check}");
    }
    for field in ["failures", "warnings"] {
        assert_eq!(report[field], 0);
    }
    assert_eq!((&report["program"], report["left_out"].is_string()), (&"ast".into(), true));
    report.assert("home", "ok", "~/.astro, mode 0700");
    report.assert("file", "ok", "1 profile, mode 0600");
    report.assert("store", "ok", "auto found no keyring at the login");
    report.assert("session", "ok", "default: signed in as a…@e….com; the token expires in ");
    report.assert("session", "ok", "can be refreshed");
    report.assert("provider", "ok", "its issuer matches");
    assert!(everything(world.home.path()) == before, "nothing is changed");
    let sent = world.server.events().split_off(events);
    assert!(!sent.is_empty() && sent.iter().all(|event| !event.authorization), "no token is sent");

    let text = world.ast("doctor").run();
    for (line, check) in text.ok().lines().zip(report.checks()) {
        let (mark, rest) = line.split_at("✓ ".len());
        let (name, message) = rest.split_at(12);
        assert_eq!(mark, "✓ ", "{text}");
        assert_eq!(name.trim_end().to_lowercase().replace(' ', "_"), check["check"], "{text}");
        assert!(message.starts_with(' ') && !message.starts_with("  "), "{text}");
    }
    assert!(text.stdout.contains("\nno failures, no warnings\n"), "{text}");
    let terminal = world.ast("doctor").start_on_terminal().finish();
    assert!(terminal.ok().starts_with("\u{1b}[32m✓\u{1b}"), "{terminal:?}");
}

#[test]
fn workos_has_no_metadata_to_look_for() {
    let world = World::signed_in();
    Report::of(world.ast("doctor"), 0).assert_ok_but(&[]);
}

#[test]
fn nobody_is_signed_in() {
    let world = World::new(eager());
    let url = world.server.url().to_owned();
    let doctor = || world.ast("doctor").env("ASTRO_ISSUER", &url).env("ASTRO_SERVER", &url);
    let report = Report::of(doctor(), 0);
    report.assert_ok_but(&["keyring", "session"]);
    report.assert("home", "ok", "is not there yet");
    report.assert("keyring", "warning", "absent: there is no session bus");
    report.assert("store", "ok", "a login would use credentials.json");
    report.assert("session", "warning", "Run 'ast login'.");
    assert!(!world.home.path().join(".astro").exists(), "nothing is made");

    let report = Report::of(doctor().env("ASTRO_STORE", "keyring"), 7);
    report.assert("keyring", "failure", "absent: there is no session bus");
    report.assert("store", "warning", "a login would fail: it was asked for the keyring");
    Report::of(doctor().env("ASTRO_STORE", "file"), 0).assert_ok_but(&["session"]);
    world.sign_in("default");
    let report = Report::of(doctor().env("ASTRO_STORE", "keyring"), 0);
    report.assert_ok_but(&["store"]);
    let says = "and ASTRO_STORE asks the next one for keyring, which would fail";
    report.assert("store", "warning", says);
}

#[test]
fn a_session_that_is_over_or_that_will_be() {
    let world = World::signed_in();
    world.home.edit("default", |profile| {
        profile["tokens"].as_object_mut().unwrap().remove("refresh_token");
    });
    Report::of(world.ast("doctor"), 0).assert("session", "warning", "cannot be refreshed");
    world.home.age("default", 301);
    let report = Report::of(world.ast("doctor"), 4);
    report.assert_ok_but(&["session"]);
    report.assert("session", "failure", "cannot be refreshed");

    let world = World::signed_in();
    world.home.age("default", 301);
    Report::of(world.ast("doctor"), 0).assert("session", "ok", "the token expired");
    world.home.age("default", -1000);
    Report::of(world.ast("doctor"), 0).assert("session", "warning", "it came in the future");
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn a_wrong_clock() {
    let world = World::signed_in();
    world.server.fault(Fault::every(Target::Any, What::DateSkew(86_400)));
    let report = Report::of(world.ast("doctor"), 0);
    report.assert_ok_but(&["clock"]);
    let ahead = report.assert("clock", "warning", "behind the servers'")["seconds_ahead"].as_i64();
    // Less what the answer was under way.
    assert!((86_300..=86_401).contains(&-ahead.unwrap()), "{}", report.output);
}

#[test]
fn a_network_that_is_down() {
    let world = signed_in_at_standard(eager());
    let home = &world.home;
    home.edit("default", |profile| {
        profile["server"] = "http://127.0.0.1:1".into();
        profile["provider"]["issuer"] = "http://127.0.0.1:1".into();
        profile["session"]["issuer"] = "http://127.0.0.1:1".into();
    });
    let report = Report::of(world.ast("doctor"), 6);
    report.assert_ok_but(&["provider", "api_server", "clock"]);
    report.assert("provider", "failure", "Check the network");
    report.assert("api_server", "failure", "http://127.0.0.1:1/: Cannot connect (");
    report.assert("clock", "warning", "not compared");
}

#[test]
fn servers_that_do_not_answer_are_given_up() {
    let world = signed_in_at_standard(eager());
    world.server.fault(Fault::every(Target::Any, What::Hang));
    let report = Report::of(world.ast("doctor"), 6);
    report.assert_ok_but(&["provider", "api_server", "clock"]);
    report.assert("provider", "failure", "No answer in time");
}

#[test]
fn a_provider_that_is_not_who_it_was() {
    let world = signed_in_at_standard(eager());
    let lie = |name: &str, url: &str| {
        world.server.configure(|options| {
            options.metadata = [(name.to_owned(), url.into())].into_iter().collect();
        });
    };
    lie("issuer", "https://evil.example");
    let report = Report::of(world.ast("doctor"), 6);
    report.assert_ok_but(&["provider"]);
    report.assert("provider", "failure", "https://evil.example");
    lie("token_endpoint", &format!("{}/elsewhere", world.server.url()));
    let report = Report::of(world.ast("doctor"), 0);
    report.assert("provider", "warning", "other endpoints than before");
    world.server.fault(Fault::every(Target::Any, What::Html(503)));
    let report = Report::of(world.ast("doctor"), 6);
    report.assert("provider", "failure", "503");
    report.assert("api_server", "failure", "503");
}

#[test]
fn a_certificate_that_nobody_trusts() {
    let authority = PrivateCa::generate().unwrap();
    let world = World::new(Options { tls: Some(authority.tls.clone()), ..eager() });
    let url = world.server.url();
    let doctor = || world.ast("doctor").env("ASTRO_ISSUER", url).env("ASTRO_SERVER", url);
    let report = Report::of(doctor(), 6);
    report.assert("provider", "failure", "--ca-file");
    let ca_file = world.home.path().join("ca.pem");
    fs::write(&ca_file, &authority.certificate).unwrap();
    let report = Report::of(doctor().env("SSL_CERT_FILE", &ca_file), 0);
    report.assert("certificates", "ok", "SSL_CERT_FILE, ~/ca.pem");
    report.assert("provider", "ok", "over TLS");
    let report = Report::of(doctor().env("SSL_CERT_FILE", "/missing.pem"), 2);
    report.assert("certificates", "failure", "has no CA");
}

#[test]
fn an_environment_that_cannot_be_used() {
    let world = World::signed_in();
    let not_text = OsStr::from_bytes(b"\xff");
    for (name, value, happened, next) in [
        (
            "ASTRO_STORE",
            OsStr::new("safe"),
            "In ASTRO_STORE, a store is auto, keyring or file",
            "Correct or unset it.",
        ),
        (
            "ASTRO_PROFILE",
            OsStr::new("no name"),
            "\"no name\" cannot name a profile",
            "Use 1 to 242 letters, digits, '-', '_' and '.', first a letter or digit and last no '.'.",
        ),
        (
            "ASTRO_SERVER",
            OsStr::new("ftp://x.example"),
            "In ASTRO_SERVER, the URL cannot be used: its scheme is not https",
            "Give an https:// URL.",
        ),
        (
            "ASTRO_ACCESS_TOKEN",
            OsStr::new("two words"),
            "ASTRO_ACCESS_TOKEN is no token: it is blank, or has a character that cannot be sent",
            "Correct or unset it.",
        ),
        ("ASTRO_CLIENT_ID", not_text, "ASTRO_CLIENT_ID is not valid UTF-8", "Correct or unset it."),
    ] {
        let report = Report::of(world.ast("doctor").env(name, value), 2);
        let check = report.assert("environment", "failure", "");
        assert_eq!((&check["message"], &check["next"]), (&happened.into(), &next.into()));
        match name {
            // No other profile passes for the one that was meant.
            "ASTRO_PROFILE" => {
                report.assert("session", "warning", "the profile's name cannot be used");
                report.assert("session", "warning", "See Environment above.");
                // Nobody has looked at a refresh lock.
                report.assert("lock", "ok", "\"free, for the file\"");
            }
            _ => _ = report.assert("session", "ok", "signed in"),
        }
    }
    let other = world.ast("doctor").env("ASTRO_PROFILE", "other");
    let report = Report::of(other.env("ASTRO_ISSUER", world.server.url()), 0);
    report.assert("session", "warning", "nobody is signed in to profile \\\"other\\\"");
    let other = world.ast("doctor").env("ASTRO_PROFILE", "other");
    let report = Report::of(other.env("ASTRO_ISSUER", "https://eve:hunter22@login.example"), 2);
    report.assert("environment", "failure", "In ASTRO_ISSUER, the URL cannot be used: ");
    report.assert("provider", "warning", "not known, because ASTRO_ISSUER cannot be used");
    report.output.assert_without(&["hunter22"]);
}

/// The variable was well in one line, and could not be used in another one further down.
#[test]
fn a_profile_name_that_cannot_be_used_was_also_well() {
    let world = World::signed_in();
    let report = Report::of(world.ast("doctor").env("ASTRO_PROFILE", "no name"), 2);
    let of_environment = |check: &&serde_json::Value| check["check"] == "environment";
    let checks: Vec<_> = report.checks().iter().filter(of_environment).collect();
    assert_eq!(checks.len(), 1, "{}", report.output);
    assert_eq!(checks[0]["status"], "failure");
    // The folder has a failure of its own, and the name is not its fault.
    fs::write(world.home.credentials_file(), "{").unwrap();
    let report = Report::of(world.ast("doctor").env("ASTRO_PROFILE", "no name"), 2);
    report.assert("file", "failure", "");
    report.assert("session", "warning", "See Environment above.");
}

/// The network was blamed for a provider that nobody had named.
#[test]
fn a_provider_that_is_not_known_is_not_one_that_cannot_be_reached() {
    let world = World::signed_in();
    let unreachable =
        |doctor: Ast| doctor.env("HTTPS_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "");
    // What is stored wins, and what the next login would do is said.
    let other = world.ast("doctor").env("ASTRO_ISSUER", "https://login.example");
    let report = Report::of(other, 0);
    report.assert("provider", "ok", "; ASTRO_ISSUER names another one for the next login");
    assert_eq!(report.check("provider")["issuer"], format!("{}/", world.server.url()));

    let other = unreachable(world.ast("doctor --profile other"));
    let report = Report::of(other, 0);
    let says = "https://api.workos.com/, where a login goes that names no other: cannot connect";
    report.assert("provider", "warning", says);
    report.assert("api_server", "ok", "none is known yet");

    fs::write(world.home.credentials_file(), "{").unwrap();
    let report = Report::of(unreachable(world.ast("doctor")), 7);
    for unknown in ["store", "session", "provider", "api_server"] {
        report.assert(unknown, "warning", "not known, because the file cannot be read");
        report.assert(unknown, "warning", "See File above.");
    }
}

#[test]
fn no_secret_is_in_it() {
    let world = World::signed_in();
    let tokens = world.profile()["tokens"].clone();
    let doctor = |args: &str| {
        world
            .ast(args)
            .env("ASTRO_ACCESS_TOKEN", "from-outside-0123")
            .env("HTTPS_PROXY", "http://bob:p4ss/w@rd@proxy.example:3128/path")
            .env("all_proxy", "socks5h://carol:hunter22@[::1]:1080")
            .env("NO_PROXY", "localhost")
            .env("ASTRO_ISSUER", "https://dave:swordfish@login.example")
    };
    world.server.fault(Fault::every(Target::Any, What::Html(500)));
    for args in ["doctor", "doctor --verbose", "doctor --json", "doctor --json --verbose"] {
        let output = doctor(args).run();
        let mut secrets = vec!["from-outside", "bob", "p4ss", "w@rd", "carol", "hunter22"];
        secrets.extend(["dave", "swordfish", "ada@", "Lovelace", "user_", "org_", "/path"]);
        secrets
            .extend(["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap()));
        let home = world.home.path().to_str().unwrap();
        if !args.contains("verbose") {
            secrets.push(home);
        }
        output.assert_without(&secrets);
        assert!(output.stdout.contains("HTTPS_PROXY is http://proxy.example:3128"), "{output}");
        assert!(output.stdout.contains("all_proxy is socks5h://[::1]:1080"), "{output}");
    }
    let odd = world.ast("doctor").env("HTTPS_PROXY", "bob:p4ssword").run();
    odd.ok();
    odd.assert_without(&["p4ssword"]);
    assert!(odd.stdout.contains("HTTPS_PROXY is set, and does not name a proxy"), "{odd}");
}

#[test]
fn proxy_variables_with_escapes_do_not_act_on_the_terminal() {
    let world = World::signed_in();
    let doctor = world.ast("doctor").env("HTTPS_PROXY", "http://[\u{1b}[2J");
    let output = doctor.env("NO_PROXY", "a\u{1b}[2Jb").run();
    assert!(!output.ok().contains("\u{1b}[2J"), "{output}");
    assert!(output.stdout.contains("HTTPS_PROXY is set, and does not name a proxy"), "{output}");
    assert!(output.stdout.contains("NO_PROXY is a"), "{output}");
}

/// One may be interrupted while it waits.
#[test]
fn an_interrupted_one_ends() {
    let world = World::signed_in();
    world.server.fault(Fault::every(Target::Any, What::Hang));
    let mut doctor = world.ast("doctor").start();
    doctor.wait_for(|stdout, _| stdout.contains("Leftovers").then_some(()));
    doctor.interrupt();
    assert_eq!(doctor.finish().code, Some(130));
}
