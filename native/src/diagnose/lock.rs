use std::fs::{self, TryLockError};
use std::path::Path;

use astropass_core::StoreError;

use super::files::is_absence;
use crate::store::{failed, open_in_place};

/// A lock of a [`Home`](crate::Home).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockName<'a> {
    /// Held while the session of this profile is refreshed, made or ended
    Refresh(&'a str),
    /// Held while `credentials.json` is changed
    File,
}

/// Whether somebody has a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    /// Nobody
    Free,
    /// These processes; none are named where the system does not tell.
    Held(Vec<Process>),
}

/// A process of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id
    pub id: u32,
    /// The name of its program, without its arguments
    pub program: Option<String>,
}

/// Tries the lock, shared and for no longer than that takes: who wants it meanwhile tries again.
pub(super) fn state(path: &Path) -> Result<LockState, StoreError> {
    let file = match open_in_place(path) {
        Ok(file) => file,
        Err(error) if is_absence(&error) => return Ok(LockState::Free),
        Err(error) => return Err(failed("cannot open", path, &error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(LockState::Free),
        Err(TryLockError::WouldBlock) => {
            let metadata =
                file.metadata().map_err(|error| failed("cannot look at", path, &error))?;
            Ok(LockState::Held(holders(&metadata)))
        }
        Err(TryLockError::Error(error)) => Err(failed("cannot try", path, &error)),
    }
}

/// Those whom `/proc/locks` names (`proc_locks`(5)). It names no process of another container.
#[cfg(target_os = "linux")]
fn holders(metadata: &fs::Metadata) -> Vec<Process> {
    use std::os::unix::fs::MetadataExt;
    let (device, number) = (metadata.dev(), metadata.ino());
    let device = format!("{:02x}:{:02x}", rustix::fs::major(device), rustix::fs::minor(device));
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let of_number: Vec<_> = locks.lines().filter_map(|line| holder(line, number)).collect();
    // btrfs and overlayfs give a file another device than its lock.
    let of_device: Vec<_> = of_number.iter().filter(|(_, on)| *on == device).copied().collect();
    let found = if of_device.is_empty() { of_number } else { of_device };
    found
        .into_iter()
        .map(|(id, _)| {
            let program = fs::read_to_string(format!("/proc/{id}/comm")).ok();
            Process { id, program: program.map(|name| name.trim_end().to_owned()) }
        })
        .collect()
}

/// Process and device of a line such as `1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF`, if it is
/// about the file `number`. A waiter's line has an arrow, `1: -> FLOCK …`.
#[cfg(target_os = "linux")]
fn holder(line: &str, number: u64) -> Option<(u32, &str)> {
    let mut words = line.split_ascii_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let (id, file) = (words.nth(2)?, words.next()?);
    let (device, inode) = file.rsplit_once(':')?;
    (inode.parse() == Ok(number)).then_some((id.parse().ok()?, device))
}

#[cfg(not(target_os = "linux"))]
fn holders(_: &fs::Metadata) -> Vec<Process> {
    Vec::new()
}
