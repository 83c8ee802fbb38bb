//! One connection to the session bus, for one operation.

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path as FilePath, PathBuf};
use std::time::{Duration, Instant};

use astropass_core::StoreError;
use dbus::channel::Channel;
use dbus::{Error, Message};

/// A connection on which calls are sent without waiting for the earlier ones.
pub(super) struct Bus {
    channel: Channel,
    patience: Duration,
    deadline: Instant,
    /// What arrived before it was asked for.
    arrived: Vec<Message>,
}

/// The number by which a call's reply is recognized.
pub(super) struct Serial(u32);

impl Bus {
    /// Connects to the session bus. Whatever follows ends within `patience`.
    ///
    /// The bus's reply to `Hello` is not awaited: it has to be the first call, nothing more.
    pub(super) fn connect(patience: Duration) -> Result<Self, StoreError> {
        let channel = Channel::open_private(&address()?).map_err(|error| fault(&error))?;
        let deadline = Instant::now() + patience;
        let bus = Self { channel, patience, deadline, arrived: Vec::new() };
        bus.post(daemon("Hello"))?;
        Ok(bus)
    }

    /// Sends a call.
    pub(super) fn post(&self, call: Message) -> Result<Serial, StoreError> {
        self.channel.send(call).map(Serial).map_err(|()| closed())
    }

    /// Waits for the reply to a call. The outer error is the bus's, the inner one the callee's.
    pub(super) fn reply(&mut self, call: &Serial) -> Result<Result<Message, Error>, StoreError> {
        let mut reply = self.wait(|message| message.get_reply_serial() == Some(call.0))?;
        Ok(match reply.as_result() {
            Ok(_) => Ok(reply),
            Err(error) => Err(error),
        })
    }

    /// Sends a call and waits for its reply.
    pub(super) fn call(&mut self, call: Message) -> Result<Result<Message, Error>, StoreError> {
        let serial = self.post(call)?;
        self.reply(&serial)
    }

    /// Asks the bus for the signals that `rule` matches.
    pub(super) fn subscribe(&self, rule: &str) -> Result<Serial, StoreError> {
        self.post(daemon("AddMatch").append1(rule))
    }

    /// Waits for the first message that is `wanted`, and keeps the others.
    pub(super) fn wait(
        &mut self,
        wanted: impl Fn(&Message) -> bool,
    ) -> Result<Message, StoreError> {
        loop {
            if let Some(at) = self.arrived.iter().position(&wanted) {
                return Ok(self.arrived.swap_remove(at));
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seconds = self.patience.as_secs();
                return Err(StoreError::Unavailable(format!(
                    "the session bus or its Secret Service did not answer within {seconds} seconds"
                )));
            }
            let message = self.channel.blocking_pop_message(left).map_err(|_| closed())?;
            self.arrived.extend(message);
        }
    }

    /// Whether the patience has run out.
    pub(super) fn is_late(&self) -> bool {
        self.deadline <= Instant::now()
    }
}

/// What an error on the bus means for a keyring.
pub(super) fn fault(error: &Error) -> StoreError {
    let name = error.name().unwrap_or("unnamed error");
    match name {
        "org.freedesktop.DBus.Error.ServiceUnknown"
        | "org.freedesktop.DBus.Error.NameHasNoOwner"
        | "org.freedesktop.DBus.Error.Spawn.ServiceNotFound" => {
            StoreError::Absent("no program offers the Secret Service on the session bus".to_owned())
        }
        // A bus that has ended, as after a logout, took its keyring with it.
        "org.freedesktop.DBus.Error.FileNotFound" | "org.freedesktop.DBus.Error.NoServer" => {
            StoreError::Absent("no session bus listens at its address".to_owned())
        }
        "org.freedesktop.DBus.Error.AccessDenied" | "org.freedesktop.DBus.Error.AuthFailed" => {
            StoreError::Denied(format!("the session bus or the Secret Service said no ({name})"))
        }
        "org.freedesktop.Secret.Error.IsLocked" => {
            StoreError::Locked("unlock the keyring and try again".to_owned())
        }
        _ => {
            let text: String = error
                .message()
                .unwrap_or_default()
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            StoreError::Unavailable(format!("the Secret Service failed: {text} ({name})"))
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the session bus closed the connection".to_owned())
}

fn daemon(method: &str) -> Message {
    Message::call_with_args(
        "org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
        method,
        (),
    )
}

/// The address of the session bus (D-Bus specification, "Well-known Message Bus Instances").
///
/// It is looked up here and not by libdbus, which would start a bus of its own through X11.
/// Only Unix sockets are taken: the kernel keeps other users and the network away from them.
fn address() -> Result<String, StoreError> {
    let Some(named) = env::var_os("DBUS_SESSION_BUS_ADDRESS").filter(|named| !named.is_empty())
    else {
        return env::var_os("XDG_RUNTIME_DIR")
            .map(|dir| PathBuf::from(dir).join("bus"))
            .filter(|path| path.metadata().is_ok_and(|found| found.file_type().is_socket()))
            .map(|path| format!("unix:path={}", escaped(&path)))
            .ok_or_else(|| StoreError::Absent("there is no session bus".to_owned()));
    };
    let named = named.to_string_lossy();
    let sockets: Vec<&str> = named.split(';').filter(|one| one.starts_with("unix:")).collect();
    if !sockets.is_empty() {
        Ok(sockets.join(";"))
    } else if named.starts_with("autolaunch:") || named == "disabled:" {
        Err(StoreError::Absent("there is no session bus".to_owned()))
    } else {
        Err(StoreError::Unavailable("the session bus is not on a Unix socket".to_owned()))
    }
}

/// A path as the value of a server address, where all but a few characters are escaped
/// (D-Bus specification, "Server Addresses").
fn escaped(path: &FilePath) -> String {
    let mut value = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_/.\\*".contains(&byte) {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02x}"));
        }
    }
    value
}
