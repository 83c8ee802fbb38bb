//! `credentials.json` and its folder: read, replaced and locked.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use astropass_core::StoreError;
use zeroize::Zeroizing;

use super::document::{self, Document, Parsed};
use super::notice::{Notice, Notices};
use super::private::{Lock, Signature, failed, open_in_place, write_private};
use crate::json::{parse_json, print_json_pretty};

/// The folder that holds `credentials.json`, created when first written to.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    notices: Notices,
    seen: Arc<Mutex<Option<Seen>>>,
    /// Reading leaves everything as it is, and there is no writing.
    read_only: bool,
}

/// What was read last, and how the file looked then.
type Seen = (Option<Signature>, Arc<Document>);

/// Most bytes of the file. A profile takes some 5 KiB.
const MAX_FILE: u64 = 16 << 20;
/// How long a change of the file, which takes milliseconds, may be waited for.
const FILE_LOCK_WAIT: Duration = Duration::from_secs(5);

impl Folder {
    pub(crate) fn new(path: PathBuf, notices: Notices) -> Self {
        Self { path, notices, seen: Arc::default(), read_only: false }
    }

    /// The same folder, to be looked at.
    pub(crate) fn read_only(&self) -> Self {
        Self { read_only: true, seen: Arc::default(), ..self.clone() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path.join("credentials.json")
    }

    /// The file's state, at the cost of a `stat`.
    fn signature(&self) -> Result<Option<Signature>, StoreError> {
        match fs::symlink_metadata(self.file()) {
            Ok(metadata) => Ok(Some(Signature::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("cannot look at", &self.file(), &error)),
        }
    }

    /// The file, read again only if it changed since the last call of any clone.
    pub(crate) fn document(&self) -> Result<Arc<Document>, StoreError> {
        // Looked at before it is read: a change in between is seen at the next call.
        let signature = self.signature()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, document)) = &*seen
            && *then == signature
        {
            return Ok(Arc::clone(document));
        }
        let is_settled = signature.as_ref().is_none_or(Signature::is_settled);
        let document = Arc::new(self.read()?);
        *seen = is_settled.then(|| (signature, Arc::clone(&document)));
        Ok(document)
    }

    /// The file as it is; an older client's is taken over first, unless somebody has the file's
    /// lock: nobody waits to read, and whoever changes the file takes it over too.
    pub(crate) fn read(&self) -> Result<Document, StoreError> {
        let Some(text) = self.read_text()? else { return Ok(Document::default()) };
        match self.parse(&text)? {
            Parsed::Current(document) => Ok(document),
            Parsed::OlderClient(document) if self.read_only => Ok(document),
            Parsed::OlderClient(document) => {
                self.create()?;
                match Lock::try_take(&self.file_lock())? {
                    Some(lock) => self.update_locked(&lock, 0, |document| Ok(document.clone())),
                    None => Ok(document),
                }
            }
        }
    }

    /// Whether the older client wrote the file, which the next use takes over.
    pub(crate) fn is_older_clients(&self) -> Result<bool, StoreError> {
        let Some(text) = self.read_text()? else { return Ok(false) };
        Ok(matches!(self.parse(&text)?, Parsed::OlderClient(_)))
    }

    /// Reads, changes and replaces the file under its lock.
    ///
    /// Nothing is written if `change` fails. A file that cannot be read is set aside.
    pub(crate) fn update<T>(
        &self,
        change: impl FnOnce(&mut Document) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.update_with_room(0, change)
    }

    /// The same, if there is room for `reserve` bytes more.
    pub(crate) fn update_with_room<T>(
        &self,
        reserve: usize,
        change: impl FnOnce(&mut Document) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.create()?;
        self.update_locked(&self.lock_file()?, reserve, change)
    }

    fn update_locked<T>(
        &self,
        _lock: &Lock,
        reserve: usize,
        change: impl FnOnce(&mut Document) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let found = self.read_text().and_then(|text| {
            let Some(text) = text else { return Ok((Document::default(), None)) };
            match self.parse(&text)? {
                Parsed::Current(document) => Ok((document, None)),
                Parsed::OlderClient(document) => Ok((document, Some(text))),
            }
        });
        let (mut document, older) = match found {
            Err(problem @ StoreError::Corrupt(_)) => {
                return self.begin_anew(reserve, change, problem);
            }
            found => found?,
        };
        let result = change(&mut document)?;
        if let Some(text) = older {
            let kept_as =
                self.keep_as("older-client", |kept_as| write_private(kept_as, &text, 0))?;
            self.notices.push(Notice::OlderClient { kept_as });
        }
        self.replace(&document, reserve)?;
        Ok(result)
    }

    /// Applies `change` to an empty document, and sets the file aside that cannot be read.
    fn begin_anew<T>(
        &self,
        reserve: usize,
        change: impl FnOnce(&mut Document) -> Result<T, StoreError>,
        problem: StoreError,
    ) -> Result<T, StoreError> {
        let mut document = Document::default();
        // What fails for want of the old content fails because that cannot be read.
        let result = change(&mut document).map_err(|_| problem)?;
        let kept_as = self.keep_as("corrupt", |kept_as| fs::rename(self.file(), kept_as))?;
        self.notices.push(Notice::SetAside { kept_as });
        self.replace(&document, reserve)?;
        Ok(result)
    }

    /// Whether there is room for `size` bytes in the folder; the file is left as it is.
    pub(crate) fn check_room(&self, size: usize) -> Result<(), StoreError> {
        self.create()?;
        let _lock = self.lock_file()?;
        let temporary = self.temporary_file()?;
        write_private(&temporary, b"", size)
            .and_then(|()| fs::remove_file(&temporary))
            .map_err(|error| failed("cannot write in", &self.path, &error))
    }

    /// Takes the refresh lock of `profile` if nobody has it.
    pub(crate) fn try_refresh_lock(&self, profile: &str) -> Result<Option<Lock>, StoreError> {
        self.create()?;
        Lock::try_take(&self.refresh_lock(profile))
    }

    pub(crate) fn refresh_lock(&self, profile: &str) -> PathBuf {
        self.path.join(format!("refresh-{profile}.lock"))
    }

    pub(crate) fn file_lock(&self) -> PathBuf {
        self.path.join("credentials.lock")
    }

    fn lock_file(&self) -> Result<Lock, StoreError> {
        let path = self.file_lock();
        let deadline = Instant::now() + FILE_LOCK_WAIT;
        loop {
            if let Some(lock) = Lock::try_take(&path)? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Busy);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Creates the folder for its user alone, or makes it so.
    fn create(&self) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::Denied(format!("{} is only looked at", self.path.display())));
        }
        let mut metadata = fs::metadata(&self.path);
        if !metadata.as_ref().is_ok_and(fs::Metadata::is_dir) {
            self.make().map_err(|error| failed("cannot create", &self.path, &error))?;
            metadata = fs::metadata(&self.path);
        }
        let metadata = metadata.map_err(|error| failed("cannot look at", &self.path, &error))?;
        let repair = |permissions| fs::set_permissions(&self.path, permissions);
        self.restrict(&self.path, &metadata, 0o700, repair)
    }

    fn make(&self) -> io::Result<()> {
        let missing: Vec<_> = self.path.ancestors().take_while(|path| !path.exists()).collect();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)?;
        // A folder lasts once the one that it is in is synced.
        missing.into_iter().filter_map(Path::parent).for_each(sync);
        Ok(())
    }

    fn read_text(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let path = self.file();
        let file = match open_in_place(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) => {
                return Err(StoreError::Denied(format!(
                    "{} is a symbolic link, which could lead anywhere; put the file itself there",
                    path.display()
                )));
            }
            Err(error) => return Err(failed("cannot open", &path, &error)),
        };
        let metadata = file.metadata().map_err(|error| failed("cannot look at", &path, &error))?;
        if !metadata.is_file() {
            return Err(StoreError::Denied(format!(
                "{} is not a file; move it away",
                path.display()
            )));
        }
        if metadata.len() > MAX_FILE {
            return Err(StoreError::Corrupt(format!("{} is far too large", path.display())));
        }
        self.restrict(&path, &metadata, 0o600, |permissions| file.set_permissions(permissions))?;
        let size = usize::try_from(metadata.len()).unwrap_or_default() + 1;
        let mut text = Zeroizing::new(Vec::with_capacity(size));
        file.take(MAX_FILE)
            .read_to_end(&mut text)
            .map_err(|error| failed("cannot read", &path, &error))?;
        Ok(Some(text))
    }

    /// Makes sure that `path` is its user's own and nobody else's to read.
    #[cfg(unix)]
    fn restrict(
        &self,
        path: &Path,
        metadata: &fs::Metadata,
        mode: u32,
        repair: impl FnOnce(fs::Permissions) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(StoreError::Denied(format!(
                "{} belongs to another user; run this as that user, or set ASTRO_HOME",
                path.display()
            )));
        }
        if metadata.mode() & 0o077 != 0 && !self.read_only {
            repair(fs::Permissions::from_mode(mode))
                .map_err(|error| failed("cannot restrict", path, &error))?;
            self.notices.push(Notice::ModeRepaired { path: path.to_owned() });
        }
        Ok(())
    }

    /// A user's profile folder is already his own there.
    #[cfg(not(unix))]
    fn restrict<R>(&self, _: &Path, _: &fs::Metadata, _: u32, _: R) -> Result<(), StoreError> {
        Ok(())
    }

    /// Replaces the file durably: temporary file, fsync, rename, fsync of the folder.
    fn replace(&self, document: &Document, reserve: usize) -> Result<(), StoreError> {
        let text = print_json_pretty(document.as_value());
        if text.len() as u64 > MAX_FILE {
            return Err(StoreError::TooLarge(format!(
                "{} would have more than 16 MiB; remove profiles that are not used",
                self.file().display()
            )));
        }
        self.sweep_temporary();
        let temporary = self.temporary_file()?;
        write_private(&temporary, &text, reserve)
            .and_then(|()| fs::rename(&temporary, self.file()))
            .map_err(|error| failed("cannot write", &self.file(), &error))?;
        sync(&self.path);
        Ok(())
    }

    /// Deletes what writers left that were killed, as every writer does.
    pub(crate) fn sweep(&self) -> Result<(), StoreError> {
        if self.temporary().next().is_some() {
            let _lock = self.lock_file()?;
            self.sweep_temporary();
        }
        Ok(())
    }

    /// Deletes temporary files: each one's writer held the lock that is held now.
    fn sweep_temporary(&self) {
        for path in self.temporary() {
            let _ = fs::remove_file(path);
        }
    }

    fn temporary_file(&self) -> Result<PathBuf, StoreError> {
        Ok(self.path.join(format!(".credentials.{}.tmp", document::random_name()?)))
    }

    fn temporary(&self) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(".credentials.") && name.ends_with(".tmp")
        })
    }

    /// Keeps the file under a dated name that nothing has yet.
    fn keep_as(
        &self,
        why: &str,
        keep: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<PathBuf, StoreError> {
        // What prints it knows nothing before 1970.
        let now = SystemTime::now().max(SystemTime::UNIX_EPOCH);
        let date = humantime::format_rfc3339_seconds(now);
        // A colon cannot be in a name on Windows.
        let date = date.to_string().replace(':', "");
        let path = (0..1000)
            .map(|n| match n {
                0 => self.path.join(format!("credentials.{why}-{date}.json")),
                n => self.path.join(format!("credentials.{why}-{date}-{n}.json")),
            })
            .find(|path| fs::symlink_metadata(path).is_err())
            .ok_or_else(|| StoreError::Io("too many files are kept already".to_owned()))?;
        keep(&path).map_err(|error| failed("cannot keep the file as", &path, &error))?;
        sync(&self.path);
        Ok(path)
    }

    fn parse(&self, text: &[u8]) -> Result<Parsed, StoreError> {
        let path = self.file();
        let value = parse_json(text)
            .map_err(|_| StoreError::Corrupt(format!("{} is not whole JSON", path.display())))?;
        Document::parse(value)
    }
}

/// Makes renames in `folder` last through a power cut, where the system has a call for that.
///
/// It comes too late to fail: everybody can see the rename already.
fn sync(folder: &Path) {
    if cfg!(unix)
        && let Err(error) = File::open(folder).and_then(|folder| folder.sync_all())
    {
        tracing::warn!(%error, "a folder cannot be synced");
    }
}
