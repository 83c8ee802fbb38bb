//! `ast doctor`: whatever is wrong is named, the rest is looked at all the same, nothing is changed,
//! and nothing in it is a secret.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use astropass_tests::ast::{Ast, Output};
use astropass_tests::server::{Fault, Options, PrivateCa, Target, What};
use serde_json::{Value, json};

use super::gate::Gate;
use super::{CLIENT, World, eager};

const CHECKS: [&str; 15] = [
    "program",
    "system",
    "environment",
    "home",
    "file",
    "leftovers",
    "lock",
    "keyring",
    "store",
    "session",
    "proxy",
    "certificates",
    "provider",
    "api_server",
    "clock",
];

/// What `doctor --json` says.
struct Report(Output, Value);

impl Report {
    /// Its exit code is as promised.
    #[track_caller]
    fn of(doctor: Ast, code: i32) -> Self {
        let output = doctor.args(["--json"]).run();
        assert_eq!((output.code, output.stderr.as_str()), (Some(code), ""), "{output}");
        let [report] = output.json().try_into().expect("one object");
        let failures = report["failures"].as_u64().unwrap();
        assert_eq!(failures == 0, code == 0, "{output}");
        Self(output, report)
    }

    fn checks(&self) -> &[Value] {
        self.1["checks"].as_array().unwrap()
    }

    /// The check `name` that says what `status` says, in its message or next step.
    #[track_caller]
    fn assert(&self, name: &str, status: &str, says: &str) -> &Value {
        let says_it = |check: &&Value| {
            let text = format!("{} {}", check["message"], check["next"]);
            check["check"] == name && check["status"] == status && text.contains(says)
        };
        self.checks().iter().find(says_it).unwrap_or_else(|| {
            panic!("{name} is no {status} that says {says:?}: {}", self.0);
        })
    }

    /// All but those of `others` are fine.
    #[track_caller]
    fn assert_ok_but(&self, others: &[&str]) {
        for check in self.checks() {
            let is_other = others.contains(&check["check"].as_str().unwrap());
            assert_eq!(check["status"] == "ok", !is_other, "{check}");
            assert_eq!(check["next"].is_null(), !is_other, "{check}");
        }
    }
}

fn signed_in_at_standard(options: Options) -> World {
    let world = World::new(options);
    let url = world.server.url();
    let login = format!("login --issuer {url} --server {url} --client-id {CLIENT}");
    let login = world.ast(&login);
    world.log_in(login).ok();
    world
}

/// Every file of the home with its mode and content.
fn everything(home: &Path) -> Vec<(String, u32, Vec<u8>)> {
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
fn ast_doctor_finds_all_well() {
    let world = signed_in_at_standard(eager());
    let (before, events) = (everything(world.home.path()), world.server.events().len());
    let report = Report::of(world.ast("doctor"), 0);
    report.assert_ok_but(&[]);
    let names: Vec<_> = report.checks().iter().map(|check| check["check"].clone()).collect();
    assert_eq!(names, CHECKS);
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
fn astro_doctor_looks_at_its_contexts() {
    let world = World::signed_in();
    world.sign_in("astronomer.io");
    world.home.edit("astronomer.io", |profile| profile["provider"]["kind"] = "astro".into());
    let astro = |domain: &str| {
        let astro = world.home.program("astro").args(["doctor"]);
        astro.env("ASTRO_DOMAIN", domain).env("ASTRO_API_TOKEN", "a-token-from-outside")
    };
    let report = Report::of(astro("astronomer.io"), 0);
    report.assert_ok_but(&["environment"]);
    assert_eq!(report.1["program"], "astro");
    report.assert("program", "ok", "astro 0.1.0");
    report.assert("environment", "warning", "and not the context's session");
    report.assert("session", "ok", "astronomer.io: signed in as a…@e….com");
    let report = Report::of(astro("no domain"), 2);
    report.assert("environment", "failure", "In ASTRO_DOMAIN, ");
    let report = Report::of(world.ast("doctor --profile astronomer.io"), 2);
    report.assert("environment", "failure", "is a context of 'astro'");
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
    Report::of(doctor().env("ASTRO_STORE", "file"), 0).assert_ok_but(&["session"]);
    world.sign_in("default");
    let report = Report::of(doctor().env("ASTRO_STORE", "keyring"), 0);
    report.assert("store", "ok", "and ASTRO_STORE asks the next one for keyring");
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
    assert!((86_390..86_410).contains(&-ahead.unwrap()), "{}", report.0);
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
    let started = Instant::now();
    let report = Report::of(world.ast("doctor"), 6);
    // Ten seconds for all of them at once.
    assert!(started.elapsed() < Duration::from_secs(18), "took {:?}", started.elapsed());
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
    let report = Report::of(doctor().env("SSL_CERT_FILE", "/missing.pem"), 1);
    report.assert("certificates", "failure", "has no CA");
}

#[test]
fn an_environment_that_cannot_be_used() {
    let world = World::signed_in();
    for (name, value) in [
        ("ASTRO_STORE", "safe"),
        ("ASTRO_PROFILE", "no name"),
        ("ASTRO_SERVER", "ftp://x.example"),
        ("ASTRO_ACCESS_TOKEN", "two words"),
    ] {
        let report = Report::of(world.ast("doctor").env(name, value), 2);
        report.assert("environment", "failure", "");
        report.assert("session", "ok", "signed in");
    }
    let not_text = std::ffi::OsStr::from_bytes(b"\xff");
    let report = Report::of(world.ast("doctor").env("ASTRO_CLIENT_ID", not_text), 2);
    report.assert("environment", "failure", "ASTRO_CLIENT_ID is not valid UTF-8");
    let other = world.ast("doctor").env("ASTRO_PROFILE", "other");
    let report = Report::of(other.env("ASTRO_ISSUER", world.server.url()), 0);
    report.assert("session", "warning", "nobody is signed in to profile \\\"other\\\"");
    let other = world.ast("doctor").env("ASTRO_PROFILE", "other");
    let report = Report::of(other.env("ASTRO_ISSUER", "https://eve:hunter22@login.example"), 2);
    report.assert("provider", "failure", "In ASTRO_ISSUER, ");
    assert!(!report.0.stdout.contains("hunter22"), "{}", report.0);
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
        for secret in secrets {
            let printed = output.stdout.contains(secret) || output.stderr.contains(secret);
            assert!(!printed, "{secret} is in {output}");
        }
        assert!(output.stdout.contains("HTTPS_PROXY is http://proxy.example:3128"), "{output}");
        assert!(output.stdout.contains("all_proxy is socks5h://[::1]:1080"), "{output}");
    }
    let odd = world.ast("doctor").env("HTTPS_PROXY", "bob:p4ssword").run();
    assert!(!odd.ok().contains("p4ssword"), "{odd}");
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

/// As after one `sudo ast`.
#[test]
fn a_lock_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = World::signed_in();
    let lock = world.home.path().join(".astro/refresh-default.lock");
    fs::write(&lock, "").unwrap();
    set_mode(&lock, 0o600);
    std::os::unix::fs::chown(&lock, Some(1), None).unwrap();
    let report = Report::of(world.ast("doctor"), 7);
    report.assert("file", "failure", "refresh-default.lock belongs to another user");
    fs::remove_file(&lock).unwrap();
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
