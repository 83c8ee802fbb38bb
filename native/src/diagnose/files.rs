use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use astropass_core::StoreError;

use crate::store::failed;

/// A folder or file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name in the folder; empty for the folder itself
    pub name: String,
    /// What it is
    pub kind: Kind,
    /// Its permission bits, where the system has them
    pub mode: Option<u32>,
    /// Whether it belongs to the user who runs this
    pub is_own: bool,
    /// Its size in bytes
    pub len: u64,
}

/// Where a folder would be made that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The nearest folder above that is there
    pub path: PathBuf,
    /// Whether that belongs to another user, who could not use what is made in it
    pub is_others: bool,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder
    Folder,
    /// A file
    File,
    /// A symbolic link
    Link,
    /// A pipe, a socket, a device
    Other,
}

impl Found {
    fn new(name: String, metadata: &fs::Metadata) -> Self {
        let kind = match metadata.file_type() {
            kind if kind.is_symlink() => Kind::Link,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Other,
        };
        let (mode, is_own) = owner(metadata);
        Self { name, kind, mode, is_own, len: metadata.len() }
    }

    /// Whether it is a file that could not be read and was set aside.
    pub fn was_set_aside(&self) -> bool {
        self.name.starts_with("credentials.corrupt-")
    }

    /// Whether it is a copy of the file of an older client.
    pub fn is_of_older_client(&self) -> bool {
        self.name.starts_with("credentials.older-client-")
    }

    /// Whether others may read or write it.
    pub fn is_open_to_others(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o077 != 0)
    }
}

#[cfg(unix)]
fn owner(metadata: &fs::Metadata) -> (Option<u32>, bool) {
    use std::os::unix::fs::MetadataExt;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    (Some(metadata.mode() & 0o7777), is_own)
}

/// A user's profile folder is already his own there.
#[cfg(not(unix))]
fn owner(_: &fs::Metadata) -> (Option<u32>, bool) {
    (None, true)
}

pub(super) fn found(folder: &Path) -> Result<Vec<Found>, StoreError> {
    // A link in the folder's place is followed, as all commands do.
    let itself = match fs::metadata(folder) {
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        itself => itself.map_err(|error| failed("cannot look at", folder, &error))?,
    };
    let itself = Found::new(String::new(), &itself);
    if itself.kind != Kind::Folder {
        return Ok(vec![itself]);
    }
    let entries =
        fs::read_dir(folder).map_err(|error| failed("cannot list", folder, &error))?.flatten();
    let mut inside: Vec<_> = entries
        .filter_map(|entry| {
            let metadata = fs::symlink_metadata(entry.path()).ok()?;
            Some(Found::new(entry.file_name().to_string_lossy().into_owned(), &metadata))
        })
        .collect();
    inside.sort_by(|a, b| a.name.cmp(&b.name));
    inside.insert(0, itself);
    Ok(inside)
}

/// Whether nothing is there, and not only hidden.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

pub(super) fn place(folder: &Path) -> Result<Place, StoreError> {
    for path in folder.ancestors() {
        // The end of a relative path.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let metadata = match fs::metadata(path) {
            Err(error) if is_absence(&error) && fs::symlink_metadata(path).is_ok() => {
                return Err(StoreError::Denied(format!(
                    "{} is a symbolic link that leads nowhere; remove it, or make what it leads to",
                    path.display()
                )));
            }
            Err(error) if is_absence(&error) => continue,
            metadata => metadata.map_err(|error| failed("cannot look at", path, &error))?,
        };
        if !metadata.is_dir() {
            let error = io::ErrorKind::NotADirectory.into();
            return Err(failed("cannot create a folder in", path, &error));
        }
        check_room(path, "cannot create a folder in")?;
        return Ok(Place { path: path.to_owned(), is_others: is_others(&metadata) });
    }
    Err(failed("cannot look at", folder, &io::ErrorKind::NotFound.into()))
}

/// What is root's, such as `/tmp`, lets everybody make his own in it.
#[cfg(unix)]
fn is_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() != rustix::process::geteuid().as_raw() && metadata.uid() != 0
}

#[cfg(not(unix))]
fn is_others(_: &fs::Metadata) -> bool {
    false
}

pub(super) fn check_writable(folder: &Path) -> Result<(), StoreError> {
    check_room(folder, "cannot write in")
}

#[cfg(unix)]
fn check_room(folder: &Path, what: &str) -> Result<(), StoreError> {
    use rustix::fs::{Access, access, statvfs};
    access(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| failed(what, folder, &error.into()))?;
    let full = || failed(what, folder, &io::ErrorKind::StorageFull.into());
    // A file system that counts no blocks has no end of them.
    match statvfs(folder) {
        Ok(space) if space.f_blocks > 0 && space.f_bavail == 0 => Err(full()),
        _ => Ok(()),
    }
}

/// Nothing shows there without writing.
#[cfg(not(unix))]
fn check_room(_: &Path, _: &str) -> Result<(), StoreError> {
    Ok(())
}
