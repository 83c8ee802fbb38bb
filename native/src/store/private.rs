//! Files that are their user's alone: made, locked, and told apart.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use astropass_core::StoreError;

/// A lock that lasts until it is dropped. The file is never deleted: a deleted one could be locked
/// twice, once by its name and once by a process that still has it open.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // To close the file is not enough: a program that another thread is just starting has it open
        // too, until it runs. What cannot be unlocked is unlocked then.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Locks the file at `path` if nobody has locked it.
    pub(super) fn try_take(path: &Path) -> Result<Option<Self>, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // A link in its place could lead to a file of somebody else's.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            &mut options,
            rustix::fs::OFlags::NOFOLLOW.bits().cast_signed(),
        );
        let file = private(&mut options)
            .open(path)
            .map_err(|error| failed("cannot open", path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("cannot lock", path, &error)),
        }
    }
}

/// What tells one state of the file from another without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    file: (u64, u64),
    len: u64,
    modified: Option<SystemTime>,
}

/// How long ago a change must be for its [`Signature`] to tell it from the next one: file systems
/// count time in ticks, of two seconds at most, and give a deleted file's number to a new one.
const SETTLED: Duration = Duration::from_secs(2);

impl Signature {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        Self { file: number(metadata), len: metadata.len(), modified: metadata.modified().ok() }
    }

    pub(super) fn is_settled(&self) -> bool {
        let age =
            self.modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        age.is_some_and(|age| age > SETTLED)
    }
}

/// The file's number, and its file system's.
#[cfg(unix)]
fn number(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn number(_: &fs::Metadata) -> (u64, u64) {
    (0, 0)
}

/// Opens what is at `path` itself for reading: a pipe there must not hang, and a link must not lead
/// elsewhere.
pub(crate) fn open_in_place(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed(),
    );
    options.open(path)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Writes a new file durably, or none; meanwhile the disk has room for `reserve` bytes more.
pub(super) fn write_private(path: &Path, text: &[u8], reserve: usize) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    let mut write = || {
        file.write_all(text)?;
        // White space: JSON stays the same if the power fails before it is cut off.
        file.write_all(&vec![b' '; reserve])?;
        file.sync_all()?;
        if reserve > 0 { file.set_len(text.len() as u64) } else { Ok(()) }
    };
    write().inspect_err(|_| {
        // Half a file is of no use to anybody.
        let _ = fs::remove_file(path);
    })
}

/// An operating system's error as a fault of the store.
pub(crate) fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    let next = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space",
        io::ErrorKind::PermissionDenied => "; make it your own, or set ASTRO_HOME",
        io::ErrorKind::NotADirectory => {
            "; move the file away that is in a folder's place, or set ASTRO_HOME"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; set ASTRO_HOME to a place that can be written",
        _ => "",
    };
    let detail = format!("{what} {} ({error}){next}", path.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::Denied(detail)
        }
        _ => StoreError::Io(detail),
    }
}
