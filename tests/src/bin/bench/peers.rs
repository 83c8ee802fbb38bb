//! Other programs that print a token they already have.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use astropass_tests::server::{Fault, Target, What};
use serde_json::{Value, json};

use super::Outcome;
use super::programs::{Program, in_turn, is_installed};
use super::signed_in::SignedIn;
use super::table::Table;

/// An oidc-agent that holds a token of the same size; it ends with the value.
pub(super) struct OidcAgent {
    pid: String,
    socket: PathBuf,
    token: String,
}

impl OidcAgent {
    /// `None` if it is not installed.
    pub(super) fn start(home: &SignedIn) -> Outcome<Option<Self>> {
        if !is_installed("oidc-agent") || !is_installed("oidc-gen") {
            return Ok(None);
        }
        let socket = home.path().join("oidc-agent");
        std::fs::create_dir_all(home.path().join(".oidc-agent"))?;
        // It ends when the agent that it leaves behind can be reached.
        let output = Command::new("oidc-agent")
            .args(["--json", "--socket-path"])
            .arg(&socket)
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .output()?;
        let started: Value = serde_json::from_slice(&output.stdout)?;
        let pid =
            started.get("dpid").and_then(Value::as_str).ok_or("oidc-agent names no process")?;
        let agent = Self { pid: pid.to_owned(), socket, token: home.token().to_owned() };
        agent.sign_in(home)?;
        Ok(Some(agent))
    }

    /// It has no public clients but those of its configuration in `/etc`, so it sends the client's
    /// id where the server does not look for it: the refresh is answered all the same.
    fn sign_in(&self, home: &SignedIn) -> Outcome {
        let body = json!({
            "access_token": self.token, "refresh_token": "r", "token_type": "Bearer", "expires_in": 7200,
        });
        let content_type = "application/json".to_owned();
        let body = body.to_string().into_bytes();
        home.server.fault(Fault::every(
            Target::Refresh,
            What::RawBody { status: 200, content_type, body },
        ));
        let issuer = format!("{}/", home.server.issuer());
        let output = Command::new("oidc-gen")
            .args(["--no-save", "--manual", "--rt-env", "--confirm-default", "--prompt=none"])
            .args(["--client-id=client_test", "--client-secret=", "--scope=openid offline_access"])
            .args(["--redirect-uri=http://localhost:4242", "--no-url-call"])
            .arg(format!("--iss={issuer}"))
            .arg("bench")
            .env("HOME", home.path())
            .env("OIDC_SOCK", &self.socket)
            .env("OIDC_REFRESH_TOKEN", "r")
            .stdin(Stdio::null())
            .output()?;
        home.server.clear_faults();
        if output.status.success() {
            return Ok(());
        }
        Err(format!("oidc-gen: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    pub(super) fn token(&self) -> Program {
        let program = Program::new("oidc-token", "oidc-token", &self.token);
        program.arg("bench").env("OIDC_SOCK", &self.socket)
    }
}

impl Drop for OidcAgent {
    fn drop(&mut self) {
        let mut kill = Command::new("oidc-agent");
        kill.arg("--kill").env("OIDCD_PID", &self.pid).env("OIDC_SOCK", &self.socket);
        // One that has ended already needs no end.
        let _ = kill.stdin(Stdio::null()).output();
    }
}

/// Programs that people know, where they are installed.
pub(super) fn for_the_reader(table: &mut Table, home: &SignedIn) -> Outcome {
    table.group("for the reader: a token from a file, whole process");
    let file = home.path().join("token");
    std::fs::write(&file, home.token())?;
    let gh = home.path().join("gh");
    std::fs::create_dir_all(&gh)?;
    let hosts = format!("github.com:\n    oauth_token: {}\n    user: ada\n", home.token());
    std::fs::write(gh.join("hosts.yml"), hosts)?;
    let peers = [
        ("gh", 200, &["auth", "token"][..], "GH_CONFIG_DIR", gh),
        (
            "gcloud",
            10,
            &["auth", "print-access-token"][..],
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
            file,
        ),
    ];
    for (program, rounds, args, variable, value) in peers {
        if !is_installed(program) {
            table.note(&format!("{program} is not installed"));
            continue;
        }
        let name = format!("{program} {}", args.join(" "));
        let mut peer = Program::new(&name, program, home.token())
            .env("HOME", home.path())
            .env(variable, value);
        for arg in args {
            peer = peer.arg(arg);
        }
        let samples = in_turn(&mut [home.ast_token()?, peer], rounds)?;
        if let [ours, peer] = samples.as_slice() {
            table.peer(&name, peer, ours, None);
        }
    }
    Ok(())
}
