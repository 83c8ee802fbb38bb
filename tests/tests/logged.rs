//! What everything logs at the highest level while `ast` and `astro` do their work, and while their
//! servers fail: no token, no code, no password.
//!
//! The logs of it are among those that `tests/search-output` searches.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use astropass_tests::ast::{Ast, CLIENT, Home, Output, Running, World, eager};
use astropass_tests::client::get;
use astropass_tests::foreign::{Domains, RegisteredPort};
use astropass_tests::logs;
use astropass_tests::sandbox::{self, Bus, Daemon, inside};
use astropass_tests::server::{Approval, CANARY, Options};
use http::header::LOCATION;
use serde_json::json;

/// What a home's programs log.
struct Logged<'a> {
    home: &'a Home,
    folder: PathBuf,
    seen: String,
}

impl<'a> Logged<'a> {
    /// Without a folder for all of the tests the home's own is searched with everything there.
    fn in_home(home: &'a Home) -> Self {
        let folder =
            env::var_os(logs::FOLDER).map_or_else(|| home.path().to_owned(), PathBuf::from);
        Self { home, folder, seen: String::new() }
    }

    fn program(&self, args: &str) -> Ast {
        let program = self.home.program_at(Path::new(env!("CARGO_BIN_EXE_logged")));
        program.env(logs::FOLDER, &self.folder).args(args.split_whitespace()).printing_a_token()
    }

    /// Runs a program to its end, after `meanwhile`.
    fn run(&mut self, program: Ast, meanwhile: impl FnOnce(&mut Running)) -> Output {
        let mut running = program.start();
        let log = self.folder.join(logs::name(running.id()));
        meanwhile(&mut running);
        let output = running.finish();
        // Not all have something to say.
        self.seen += &fs::read_to_string(log).unwrap_or_default();
        output
    }

    /// Nothing of `secrets` is in the logs, and each of `crates` is.
    fn check(&self, crates: &[&str], secrets: &[&str]) {
        for secret in secrets.iter().chain(&[CANARY, "canary"]) {
            let line = self.seen.lines().find(|line| line.contains(secret));
            let of = line.and_then(|line| line.split_whitespace().nth(2));
            assert!(line.is_none(), "a secret in what {of:?} logs");
        }
        for name in crates {
            let has = |line: &str| line.contains(&format!(" {name}"));
            assert!(self.seen.lines().any(has), "{name} logs nothing:\n{}", self.seen);
        }
    }
}

#[test]
fn ast_with_a_keyring() {
    inside("ast_with_a_keyring", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        let options = Options { auto_approve: Some(Approval::default()), ..eager() };
        let world = World::new(options);
        let mut logged = Logged::in_home(&world.home);
        let bus = env::var(sandbox::BUS).unwrap();
        let mut run = |args: &str| {
            let ast = logged.program(args).env("DBUS_SESSION_BUS_ADDRESS", &bus);
            logged.run(ast, |_| {})
        };
        let url = world.server.url();
        let at = format!("--workos-url {url} --server {url} --client-id {CLIENT} --store keyring");
        run(&format!("login --no-browser {at}")).ok();
        for args in ["account use org_navy", "whoami", "api /api/v1/me", "token", "doctor"] {
            run(args).ok();
        }
        world.server.revoke_access_tokens();
        run("api /api/v1/me").ok();
        for fault in ["status=503", "html=502", "cut", "endless", "redirect=https://evil.example/"]
        {
            world.server.fault(format!("refresh:*:{fault}").parse().unwrap());
            world.home.age("default", 301);
            assert_ne!(run("token").code, Some(0), "{fault}");
            world.server.clear_faults();
            run("token").ok();
        }
        world.server.revoke_sessions();
        world.home.age("default", 301);
        assert_eq!(run("token").code, Some(4));
        run("logout").ok();
        logged.check(&["astropass", "reqwest", "hyper_util"], &[]);
    });
}

#[test]
fn ast_with_a_browser_and_a_file() {
    let options = Options { auto_approve: Some(Approval::default()), ..eager() };
    let world = World::new(options);
    let mut logged = Logged::in_home(&world.home);
    let issuer = world.server.url();
    let args = format!(
        "login --browser --no-browser --json --store file --issuer {issuer} --client-id {CLIENT}"
    );
    let login = logged.run(logged.program(&args), |login| {
        let prompt = login.prompt();
        let page = get(prompt["authorization_url"].as_str().unwrap()).send().unwrap();
        let callback = page.header(&LOCATION).unwrap();
        // What does not belong to the login, and then what does.
        get(&callback.replace("state=", "state=x")).send().unwrap();
        get(callback).send().unwrap();
    });
    login.ok();
    world.home.age("default", 301);
    logged.run(logged.program("token"), |_| {}).ok();
    logged.run(logged.program("logout"), |_| {}).ok();
    logged.check(&["astropass", "reqwest", "hyper_util"], &["code=ac_", "state="]);
}

#[test]
fn astro_with_a_browser_a_token_and_a_password() {
    let domains = Domains::start("astronomer.io", "software.example", &json!({})).unwrap();
    let home = Home::new();
    let mut logged = Logged::in_home(&home);
    let astro = |logged: &Logged<'_>, args: &str| {
        let astro = logged.program(args).env("ASTROPASS_TEST_PROGRAM", "astro");
        let astro = astro.env("HTTPS_PROXY", domains.proxy.url());
        astro.env("SSL_CERT_FILE", domains.ca_file()).env("ASTRO_STORE", "file")
    };
    let port = RegisteredPort::hold().unwrap();
    let login = astro(&logged, "login astronomer.io -l --email ada@example.com --json");
    let login = logged.run(login, |login| {
        let prompt = login.prompt();
        domains.visitor().visit(prompt["authorization_url"].as_str().unwrap()).unwrap();
    });
    login.ok();
    drop(port);
    home.age("astronomer.io", 3500);
    logged.run(astro(&logged, "auth token"), |_| {}).ok();
    let token = domains.servers.cloud_token("grace", 3600).unwrap();
    let login = astro(&logged, "login astronomer.io -t -").stdin(format!("{token}\n"));
    logged.run(login, |_| {}).ok();
    for (password, code) in [("loom-weaver", 5), ("engine", 0)] {
        let login = astro(&logged, "login software.example");
        let login = login.stdin(format!("ada@example.com\n{password}\n"));
        assert_eq!(logged.run(login, |_| {}).code, Some(code));
    }
    for args in ["workspace list", "logout software.example", "logout astronomer.io"] {
        logged.run(astro(&logged, args), |_| {}).ok();
    }
    let crates = ["astropass", "reqwest", "hyper_util", "rustls"];
    logged.check(&crates, &["loom-weaver", "\"engine\"", "code=", "state="]);
}
