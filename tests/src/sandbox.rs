//! Runs one test in a child process, with a home and a session bus of its own, and gnome-keyring on
//! that bus.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test uses fails as a test does"
)]

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use dbus::arg::{AppendAll, Variant};
use dbus::channel::Channel;
use dbus::{Error, Message, Path};
use tempfile::TempDir;

use crate::bus::bus_config;
use crate::{HANGS, skipped};

/// The session bus a test sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// One without any service; none can be activated.
    Empty,
    /// None at all.
    None,
}

/// Names the bus for this file's own calls, whatever the environment under test says.
pub const BUS: &str = "ASTROPASS_TEST_BUS";

/// The name of the Secret Service on a bus.
pub const NAME: &str = "org.freedesktop.secrets";

const INSIDE: &str = "ASTROPASS_TEST_INSIDE";

/// The longest path of a folder in which sockets can have a folder of their own: their paths have at most
/// 108 bytes in Linux.
const LONGEST: usize = 60;

/// Runs `body` with `bus`; `test` is the whole name of the calling test.
///
/// # Panics
/// If `body` does, or a program that it needs is missing.
pub fn inside(test: &str, bus: Bus, body: impl FnOnce()) {
    inside_with(test, bus, &[], body);
}

/// The same, with more variables in the environment; an empty value takes the variable away.
///
/// # Panics
/// As [`inside`].
pub fn inside_with(test: &str, bus: Bus, vars: &[(&str, &str)], body: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        return body();
    }
    let home = Home::new();
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
        .envs(toolchain())
        .env(INSIDE, test)
        .env(BUS, home.bus())
        .env("HOME", home.0.path())
        .env("XDG_RUNTIME_DIR", home.runtime_dir())
        .env("XDG_CONFIG_HOME", home.0.path().join("config"))
        .env("XDG_CACHE_HOME", home.0.path().join("cache"))
        .env("XDG_DATA_HOME", home.0.path().join("data"));
    let output = finished(command.stdin(Stdio::null()));
    let shown = shown(&output);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("test result: ok. 1 passed"), "no test of that name:\n{shown}");
}

/// Where cargo and rustup have what they need to build the programs that are run inside, whose home is
/// another one.
fn toolchain() -> impl Iterator<Item = (&'static str, PathBuf)> {
    [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")].into_iter().filter_map(
        |(name, folder)| {
            let own = || Some(env::home_dir()?.join(folder));
            Some((name, env::var_os(name).map(PathBuf::from).or_else(own)?))
        },
    )
}

/// A gnome-keyring that ends with the value.
#[derive(Debug)]
pub struct Daemon(Child);

impl Daemon {
    /// Owns the service's name when it returns, its default collection unlocked.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn unlocked() -> Self {
        let mut daemon = Self::start(&["--unlock"]);
        daemon.0.stdin.take().unwrap().write_all(b"only for this test").unwrap();
        daemon.owns_its_name()
    }

    /// The same, as on a machine where nobody has set up a keyring.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn without_a_keyring() -> Self {
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
        wait_for_owner(self.0.id());
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
///
/// # Panics
/// If it cannot be locked.
pub fn lock() {
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

/// The names of all items of `astropass` in the keyring, orphans too.
///
/// # Panics
/// If they cannot be listed.
#[must_use]
pub fn items() -> Vec<String> {
    let channel = on_the_bus();
    let ask =
        |path: &Path<'_>, interface: &str, method: &str, args: &dyn Fn(Message) -> Message| {
            let call = Message::call_with_args(NAME, path, interface, method, ());
            channel.send_with_reply_and_block(args(call), HANGS)
        };
    let (root, service) =
        (Path::from("/org/freedesktop/secrets"), "org.freedesktop.Secret.Service");
    // A call that the service answers before it knows this client; see the keyring adapter.
    let _ = ask(&root, service, "ReadAlias", &|call| call.append1(""));
    let wanted = HashMap::from([("service", "astropass")]);
    let found = ask(&root, service, "SearchItems", &|call| call.append1(wanted.clone())).unwrap();
    let (unlocked, locked) = found.read2::<Vec<Path<'_>>, Vec<Path<'_>>>().unwrap();
    let name = |item: &Path<'_>| {
        let property = ("org.freedesktop.Secret.Item", "Attributes");
        let get = |call: Message| call.append2(property.0, property.1);
        // It may be deleted meanwhile.
        let reply = ask(item, "org.freedesktop.DBus.Properties", "Get", &get).ok()?;
        let Variant(attributes) = reply.read1::<Variant<HashMap<String, String>>>().unwrap();
        Some(attributes["username"].clone())
    };
    let mut names: Vec<_> = unlocked.iter().chain(&locked).filter_map(name).collect();
    names.sort();
    names
}

/// The arguments of `unshare` for a mount namespace of its own; where there can be none, the test
/// is [`skipped`].
#[must_use]
pub fn mount_namespace() -> Option<Vec<&'static str>> {
    let mut args = vec!["--mount"];
    if !rustix::process::geteuid().is_root() {
        args.push("--map-root-user");
    }
    let tried = Command::new("unshare").args(&args).arg("true").output();
    if tried.is_ok_and(|output| output.status.success()) {
        return Some(args);
    }
    skipped("this user cannot make a mount namespace here");
    None
}

/// What a program that has to succeed writes to stdout.
///
/// # Panics
/// If it does not.
pub fn run(program: &str, args: &[&str]) -> String {
    let output = finished(Command::new(program).args(args).stdin(Stdio::null()));
    assert!(output.status.success(), "{program}: {}", shown(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The folder in which a bus is by default.
///
/// # Panics
/// Outside of [`inside`].
pub fn runtime_dir() -> PathBuf {
    PathBuf::from(env::var_os("XDG_RUNTIME_DIR").unwrap())
}

/// A connection to the bus.
///
/// # Panics
/// If there is no bus.
pub fn on_the_bus() -> Channel {
    let address = env::var(BUS).unwrap();
    let mut channel = Channel::open_private(&address).unwrap();
    channel.register().unwrap();
    channel
}

/// Calls a method of the bus itself.
///
/// # Errors
/// What the bus answers.
pub fn ask_bus(channel: &Channel, method: &str, args: impl AppendAll) -> Result<Message, Error> {
    let bus = "org.freedesktop.DBus";
    let call = Message::call_with_args(bus, "/org/freedesktop/DBus", bus, method, args);
    channel.send_with_reply_and_block(call, HANGS)
}

/// Waits until the process owns the service's name, which one that has just ended may seem to own.
fn wait_for_owner(process: u32) {
    let channel = on_the_bus();
    let rule = format!("type='signal',member='NameOwnerChanged',arg0='{NAME}'");
    ask_bus(&channel, "AddMatch", (rule,)).unwrap();
    let deadline = Instant::now() + HANGS;
    let owner = || ask_bus(&channel, "GetConnectionUnixProcessID", (NAME,)).ok()?.read1().ok();
    while owner() != Some(process) {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "it did not come to own the name");
        channel.blocking_pop_message(left).unwrap();
    }
}

/// A temporary home, removed at the end.
struct Home(TempDir);

impl Home {
    /// Its path is short, because that of a socket has to be.
    fn new() -> Self {
        let temporary = env::temp_dir();
        let is_short = temporary.as_os_str().len() <= LONGEST;
        let parent = if is_short { temporary } else { PathBuf::from("/tmp") };
        let home = Self(tempfile::Builder::new().prefix("ap-").tempdir_in(parent).unwrap());
        fs::DirBuilder::new().mode(0o700).create(home.runtime_dir()).unwrap();
        home
    }

    /// The space in its name has to be escaped in an address.
    fn runtime_dir(&self) -> PathBuf {
        self.0.path().join("run 1")
    }

    fn bus(&self) -> String {
        format!("unix:path={}/bus", self.runtime_dir().display()).replace(' ', "%20")
    }

    fn on_a_bus(&self, command: &Command) -> Command {
        let config = self.0.path().join("bus.conf");
        fs::write(&config, bus_config(&self.bus())).unwrap();

        let mut session = Command::new("dbus-run-session");
        session.arg("--config-file").arg(config).arg("--").arg(command.get_program());
        session.args(command.get_args());
        session
    }
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
