//! A real Secret Service: gnome-keyring on a session bus of its own.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use astropass_tests::bus::bus_config;

use super::Outcome;
use super::programs::{Program, in_turn, is_installed};
use super::samples::Samples;
use super::signed_in::SignedIn;
use super::table::Table;

pub(super) const PART: &str = "--secret-service";

const ROUNDS: usize = 300;
const NEEDED: [&str; 3] = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"];

pub(super) fn compare(table: &mut Table) -> Outcome {
    table.group("a fresh token from the Secret Service, whole process");
    let missing: Vec<_> = NEEDED.into_iter().filter(|program| !is_installed(program)).collect();
    if !missing.is_empty() {
        table.note(&format!("not installed: {}", missing.join(", ")));
        return Ok(());
    }
    let home = tempfile::Builder::new().prefix("astropass-bench-").tempdir()?;
    let home = home.path();
    let config = home.join("bus.conf");
    std::fs::write(&config, bus_config(&format!("unix:path={}/bus", home.display())))?;
    let output = Command::new("dbus-run-session")
        .arg("--config-file")
        .arg(&config)
        .arg("--")
        .arg(std::env::current_exe()?)
        .arg(PART)
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("XDG_CONFIG_HOME", home)
        .env("XDG_CACHE_HOME", home)
        .env("XDG_DATA_HOME", home)
        .stdin(Stdio::null())
        .output()?;
    let [ours, peer]: [Vec<f64>; 2] = match serde_json::from_slice(&output.stdout) {
        Ok(times) if output.status.success() => times,
        _ => return Err(String::from_utf8_lossy(&output.stderr).into()),
    };
    let (ours, peer) = (Samples(ours), Samples(peer));
    table.ours("ast token", &ours, None);
    table.peer("secret-tool lookup of the same item", &peer, &ours, Some(1.0));
    Ok(())
}

/// In a session of its own: prints the nanoseconds of each run of both.
pub(super) fn on_this_bus() -> Outcome {
    let _daemon = Daemon::unlocked()?;
    let home = SignedIn::start("keyring")?;
    let lookup = Program::new("secret-tool lookup", "secret-tool", home.token());
    let lookup = lookup.arg("lookup").arg("service").arg("astropass");
    let samples = in_turn(&mut [home.ast_token()?, lookup], ROUNDS)?;
    let times: Vec<_> = samples.into_iter().map(|samples| samples.0).collect();
    anstream::println!("{}", serde_json::to_string(&times)?);
    Ok(())
}

/// A gnome-keyring that ends with the value.
struct Daemon(Child);

impl Daemon {
    fn unlocked() -> Outcome<Self> {
        let mut daemon = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets", "--unlock"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let password = daemon.stdin.take().map(|mut stdin| stdin.write_all(b"bench"));
        let daemon = Self(daemon);
        password.transpose()?;
        // It serves the bus some time later.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !Self::stores()? {
            if Instant::now() > deadline {
                return Err("gnome-keyring does not start".into());
            }
        }
        Ok(daemon)
    }

    fn stores() -> Outcome<bool> {
        let mut tool = Command::new("secret-tool")
            .args(["store", "--label=bench", "made-by", "bench"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        // One that could not connect has ended already; its exit status says it.
        let _ = tool.stdin.take().map(|mut stdin| stdin.write_all(b"probe"));
        Ok(tool.wait()?.success())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}
