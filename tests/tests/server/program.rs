use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use astropass_tests::client::{get, post};
use serde_json::{Value, json};

use crate::{CLIENT, DEVICE_GRANT, text};

const PROGRAM: &str = env!("CARGO_BIN_EXE_astropass-server");

struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(args)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: text(&ready, "url").to_owned() }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let reply = post(&format!("{}{path}", self.url)).json(body).send().unwrap();
        json!({"status": reply.status().as_u16(), "body": reply.json()})
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success(), "it ends when stdin closes");
    }
}

#[test]
fn the_program_serves_and_the_person_approves() {
    let server = Running::start(&["--interval", "0", "--access-token-ttl", "60", "--admin"]);
    let device = server.post("/user_management/authorize/device", &json!({"client_id": CLIENT}));
    let device = &device["body"];
    let person = Command::new(PROGRAM)
        .args(["approve", text(device, "verification_uri_complete"), "--user", "Ada"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&person.stdout), "Signed in\n");

    let code = text(device, "device_code");
    let poll = json!({"client_id": CLIENT, "grant_type": DEVICE_GRANT, "device_code": code});
    let tokens = server.post("/user_management/authenticate", &poll);
    let access = text(&tokens["body"], "access_token");
    let me = || get(&format!("{}/api/v1/me", server.url)).bearer(access).send().unwrap();
    assert_eq!(me().status(), 200);
    assert_eq!(server.post("/_test/faults", &json!({"fault": "me:1:status=500"}))["status"], 200);
    assert_eq!(me().status(), 500);
    assert_eq!(server.post("/_test/advance", &json!({"seconds": 60}))["status"], 200);
    assert_eq!(me().status(), 401);
    let admin = |path: &str| get(&format!("{}/_test/{path}", server.url)).send().unwrap().json();
    assert_eq!(admin("stats")["sign_ins"], 1);
    assert_eq!(admin("stats")["requests"]["me"], 3);
    assert_eq!(admin("journal")["events"].as_array().unwrap().len(), 7);
    assert!(admin("issued")["issued"].as_array().unwrap().contains(&json!(access)));
}

#[test]
fn without_admin_there_is_no_back_door() {
    let server = Running::start(&[]);
    assert_eq!(server.post("/_test/revoke-sessions", &json!({}))["status"], 404);
    assert_eq!(get(&format!("{}/_test/issued", server.url)).send().unwrap().status(), 404);
}

#[cfg(unix)]
#[test]
fn a_termination_signal_ends_it_in_order() {
    let mut server = Running::start(&[]);
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    // Its stdin is still open, so it is the signal that ends it.
    let stdin = server.child.stdin.take();
    assert!(server.child.wait().unwrap().success());
    drop(stdin);
}

#[test]
fn a_wrong_option_is_named() {
    for args in [&["--grace", "soon"][..], &["--fault", "me:1:explode"], &["--nonsense"]] {
        let output = Command::new(PROGRAM).args(args).output().unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(args.last().unwrap().trim_start_matches('-')), "{error}");
    }
}

#[test]
fn every_documented_option_is_known() {
    let run = |args: &[&str]| {
        // One of the options writes a file, whose name is then the argument after it.
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(env!("CARGO_TARGET_TMPDIR")).output().unwrap()
    };
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let (_, serving) = help.split_once("\nWHERE\n").unwrap();
    let words = serving.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
    let options: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 30, "{options:?}");
    for option in options {
        let error = run(&[option, "--help", "--help"]).stderr;
        let error = String::from_utf8(error).unwrap();
        assert!(!error.contains("no such option"), "{option}: {error}");
    }
}
