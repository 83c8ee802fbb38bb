//! Runs one test of this binary in a child process, with a home and a session bus of its own.

use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::fake;

/// The session bus a test sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bus {
    /// One without any service; none can be activated.
    Empty,
    /// None at all.
    None,
}

/// Names the bus for this file's own calls, whatever the environment under test says.
pub(crate) const BUS: &str = "ASTROPASS_TEST_BUS";

const INSIDE: &str = "ASTROPASS_TEST_INSIDE";

/// Runs `body` with `bus`; `test` is the name of the calling test.
pub(crate) fn inside(test: &str, bus: Bus, body: impl FnOnce()) {
    inside_with(test, bus, &[], body);
}

/// The same, with more variables in the environment; an empty value takes the variable away.
pub(crate) fn inside_with(test: &str, bus: Bus, vars: &[(&str, &str)], body: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        return body();
    }
    let home = Home::new(test);
    let mut command = Command::new("env");
    for (name, value) in vars {
        if value.is_empty() {
            command.args(["-u", name]);
        } else {
            command.arg(format!("{name}={value}"));
        }
    }
    command.arg(env::current_exe().unwrap()).args([test, "--exact", "--nocapture"]);

    let mut command = match bus {
        Bus::None => command,
        Bus::Empty => home.on_a_bus(&command),
    };
    command
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env(INSIDE, test)
        .env(BUS, home.bus())
        .env("HOME", &home.0)
        .env("XDG_RUNTIME_DIR", home.runtime_dir())
        .env("XDG_CONFIG_HOME", home.0.join("config"))
        .env("XDG_CACHE_HOME", home.0.join("cache"))
        .env("XDG_DATA_HOME", home.0.join("data"));
    let output = finished(command.stdin(Stdio::null()));
    let shown = shown(&output);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("test result: ok. 1 passed"), "no test of that name:\n{shown}");
}

/// A gnome-keyring that ends with the value.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Owns the service's name when it returns, its default collection unlocked.
    pub(crate) fn unlocked() -> Self {
        let mut daemon = Self::start(&["--unlock"]);
        daemon.0.stdin.take().unwrap().write_all(b"only for this test").unwrap();
        daemon.owns_its_name()
    }

    /// The same, as on a machine where nobody has set up a keyring.
    pub(crate) fn without_a_keyring() -> Self {
        Self::start(&[]).owns_its_name()
    }

    fn start(args: &[&str]) -> Self {
        let program = "gnome-keyring-daemon";
        let daemon = Command::new(program)
            .args(["--foreground", "--components=secrets"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        Self(daemon.unwrap_or_else(|error| missing(program, &error)))
    }

    fn owns_its_name(self) -> Self {
        fake::wait_for_owner();
        self
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Locks the default collection of a [`Daemon`].
pub(crate) fn lock() {
    let collection = "/org/freedesktop/secrets/collection/login";
    let answer = run(
        "dbus-send",
        &[
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.secrets",
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
            &format!("array:objpath:{collection}"),
        ],
    );
    assert!(answer.contains(collection), "not locked: {answer}");
}

/// What a program that has to succeed writes to stdout.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let output = finished(Command::new(program).args(args).stdin(Stdio::null()));
    assert!(output.status.success(), "{program}: {}", shown(&output));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn runtime_dir() -> PathBuf {
    PathBuf::from(env::var_os("XDG_RUNTIME_DIR").unwrap())
}

/// A temporary home, removed at the end.
struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Self {
        let home = Self(env::temp_dir().join(format!("ap-{}-{test}", std::process::id())));
        for dir in [&home.0, &home.runtime_dir()] {
            fs::DirBuilder::new().mode(0o700).create(dir).unwrap();
        }
        home
    }

    /// The space in its name has to be escaped in an address.
    fn runtime_dir(&self) -> PathBuf {
        self.0.join("run 1")
    }

    fn bus(&self) -> String {
        format!("unix:path={}/bus", self.runtime_dir().display()).replace(' ', "%20")
    }

    fn on_a_bus(&self, command: &Command) -> Command {
        let config = self.0.join("bus.conf");
        write_config(&config, &self.bus());

        let mut session = Command::new("dbus-run-session");
        session.arg("--config-file").arg(config).arg("--").arg(command.get_program());
        session.args(command.get_args());
        session
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn write_config(path: &Path, listen: &str) {
    let config = format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{listen}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
    );
    fs::write(path, config).unwrap();
}

/// Runs a program to its end.
fn finished(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().unwrap_or_else(|error| missing(&program, &error))
}

fn missing(program: &str, error: &std::io::Error) -> ! {
    panic!("{program} cannot be run ({error}): run `make setup`")
}

fn shown(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}
