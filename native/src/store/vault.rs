//! One profile's credentials in the file and, where there is one, the keyring. All calls block.
//!
//! A keyring limits an item's size, so a credential may need several items, and must still change
//! as one. Its items carry its revision, which is random and never used again:
//!
//! 1. the file lists the new revision under `sweep`;
//! 2. the items are written and read back;
//! 3. the file refers to the new revision, and lists the old one under `sweep`;
//! 4. what is listed is deleted, then unlisted.
//!
//! Killed between any two steps, the file refers to a whole credential, and the next writer of any
//! profile finishes the sweep.

use std::sync::Arc;

use astropass_core::wire::Value;
use astropass_core::{Cleared, Credentials, Revision, StoreError};
use zeroize::Zeroizing;

use super::document::{Document, Swept, Tokens, random_name, sha256};
use super::file::Folder;
use super::{Items, StoreKind};
use crate::json::{parse_json, print_json};

/// Bytes that a session's tokens may need: two of 8 KiB.
const TOKENS: usize = 17 << 10;
/// Bytes that the rest of a session may need in the file.
const SETTINGS: usize = 4 << 10;

pub(crate) struct Vault {
    pub(crate) folder: Folder,
    pub(crate) profile: String,
    pub(crate) items: Arc<dyn Items>,
}

impl Vault {
    pub(crate) fn new(folder: Folder, profile: String, items: Arc<dyn Items>) -> Self {
        Self { folder, profile, items }
    }

    pub(crate) fn load(&self) -> Result<Option<(Revision, Credentials)>, StoreError> {
        let mut missed: Option<Revision> = None;
        loop {
            let document = self.folder.document()?;
            let Some(revision) = document.revision(&self.profile) else { return Ok(None) };
            let tokens = match document.tokens(&self.profile)? {
                Tokens::File(tokens) => tokens,
                Tokens::Keyring { items, sha256 } => {
                    match self.read_items(&revision, items, &sha256)? {
                        Some(tokens) => tokens,
                        // Replaced while it was read, unless the file still refers to it.
                        None if missed.as_ref() != Some(&revision) => {
                            missed = Some(revision);
                            continue;
                        }
                        None => {
                            return Err(StoreError::Corrupt(
                                "the keyring does not have what the file refers to; sign in again"
                                    .to_owned(),
                            ));
                        }
                    }
                }
            };
            let credentials = document.credentials(&self.profile, tokens)?;
            return Ok(Some((revision, credentials)));
        }
    }

    /// Writes and reads back as much as a login does, and takes it away again.
    pub(crate) fn probe(&self, kind: StoreKind) -> Result<(), StoreError> {
        if let Err(StoreError::Corrupt(_)) = self.folder.document() {
            return self.probe_beside(kind);
        }
        match kind {
            StoreKind::File => {
                self.folder.update_with_room(TOKENS + SETTINGS, |_| Ok(()))?;
                self.folder.read().map(drop)
            }
            StoreKind::Keyring => {
                let staged = self.stage(&self.specimen(), SETTINGS, |_| Ok(()))?;
                self.sweep(&[staged], &*self.items).map(drop)
            }
        }
    }

    /// The same while the file cannot be read: what is stored sets it aside, and not a login that may
    /// come to nothing. So an item is listed nowhere; killed here, it stays, with no secret in it.
    fn probe_beside(&self, kind: StoreKind) -> Result<(), StoreError> {
        if kind == StoreKind::File {
            return self.folder.check_room(TOKENS + SETTINGS);
        }
        self.folder.check_room(SETTINGS)?;
        let (name, part) = (item(&self.profile, &random_name()?, 0), self.specimen());
        let written = self.items.write(&name, &part);
        // Nor would it answer to this.
        if let Err(StoreError::Unavailable(_) | StoreError::Absent(_)) = written {
            return written;
        }
        let checked = written.and_then(|()| self.check_item(&name, &part));
        checked.and(self.items.delete(&name))
    }

    /// As much as a login stores, or one item holds.
    fn specimen(&self) -> Vec<u8> {
        vec![b'-'; self.items.limit().unwrap_or(TOKENS).min(TOKENS)]
    }

    /// Steps 1 to 3: stores `credentials`, and gives what is to be swept then.
    ///
    /// `commit` is asked just before they are made the profile's.
    pub(crate) fn save(
        &self,
        kind: StoreKind,
        expected: Option<&Revision>,
        credentials: &Credentials,
        settings: impl FnOnce(&mut Document),
        commit: &dyn Fn() -> bool,
    ) -> Result<(Revision, Vec<Swept>), StoreError> {
        let stored = credentials.to_stored();
        let (staged, revision, tokens) = match kind {
            StoreKind::File => (None, random_name()?, Tokens::File(stored.tokens)),
            StoreKind::Keyring => {
                let text = print_json(&stored.tokens);
                let staged = self.stage(&text, 0, |document| self.expect(document, expected))?;
                let tokens = Tokens::Keyring { items: staged.items, sha256: sha256(&text) };
                let revision = staged.revision.clone();
                (Some(staged), revision, tokens)
            }
        };
        let revision = Revision(revision);
        let listed = self.folder.update(|document| {
            self.expect(document, expected)?;
            if !commit() {
                return Err(too_late());
            }
            self.list_current(document);
            document.sign_in(&self.profile, &revision, stored.session, tokens);
            if let Some(staged) = &staged {
                document.remove_from_sweep(staged);
            }
            settings(document);
            Ok(document.sweep())
        });
        match (listed, staged) {
            (Ok(listed), _) => Ok((revision, listed)),
            (Err(error), staged) => {
                // A later writer may already have swept what this one was too slow to write.
                let _ = staged.map(|staged| self.sweep(&[staged], &*self.items));
                Err(error)
            }
        }
    }

    /// Signs the profile out, and gives what is to be swept then.
    pub(crate) fn clear(
        &self,
        expected: &Revision,
        commit: &dyn Fn() -> bool,
    ) -> Result<Vec<Swept>, StoreError> {
        self.folder.update(|document| {
            self.expect(document, Some(expected))?;
            if !commit() {
                return Err(too_late());
            }
            self.list_current(document);
            document.sign_out(&self.profile);
            Ok(document.sweep())
        })
    }

    fn expect(&self, document: &Document, expected: Option<&Revision>) -> Result<(), StoreError> {
        let found = document.revision(&self.profile);
        if found.as_ref() == expected { Ok(()) } else { Err(StoreError::Changed) }
    }

    /// Lists the profile's present items, if it has any, to be deleted.
    fn list_current(&self, document: &mut Document) {
        if let (Some(Revision(revision)), Ok(Tokens::Keyring { items, .. })) =
            (document.revision(&self.profile), document.tokens(&self.profile))
        {
            document.add_to_sweep(&Swept { profile: self.profile.clone(), revision, items });
        }
    }

    /// Steps 1 and 2: writes `text` as items that nothing refers to yet but the list to sweep.
    fn stage(
        &self,
        text: &[u8],
        reserve: usize,
        check: impl FnOnce(&Document) -> Result<(), StoreError>,
    ) -> Result<Swept, StoreError> {
        let size = self.items.limit().unwrap_or(text.len()).max(1);
        let parts: Vec<&[u8]> = text.chunks(size).collect();
        let items = parts.len() as u64;
        let staged = Swept { profile: self.profile.clone(), revision: random_name()?, items };
        self.folder.update_with_room(reserve, |document| {
            check(document)?;
            document.add_to_sweep(&staged);
            Ok(())
        })?;
        match self.write_items(&staged, &parts) {
            Ok(()) => Ok(staged),
            // A keyring that does not answer, or is not there, need not be asked once more.
            Err(error @ (StoreError::Unavailable(_) | StoreError::Absent(_))) => Err(error),
            Err(error) => {
                let _ = self.sweep(&[staged], &*self.items);
                Err(error)
            }
        }
    }

    fn write_items(&self, staged: &Swept, parts: &[&[u8]]) -> Result<(), StoreError> {
        for (n, part) in (0..).zip(parts) {
            let name = item(&self.profile, &staged.revision, n);
            if let Err(error) = self.items.write(&name, part) {
                // Without a keyring there is nothing to delete, and nobody who could.
                if n == 0 && matches!(error, StoreError::Absent(_)) {
                    self.unlist(&[staged])?;
                }
                return Err(error);
            }
            self.check_item(&name, part)?;
        }
        Ok(())
    }

    /// Reads an item back that was written.
    fn check_item(&self, name: &str, part: &[u8]) -> Result<(), StoreError> {
        let read = self.items.read(name)?;
        if read.as_ref().map(|read| read.as_slice()) != Some(part) {
            let problem = "it does not give back what was written";
            return Err(StoreError::Unavailable(problem.to_owned()));
        }
        Ok(())
    }

    /// Step 4 for what was `listed` under the profile's refresh lock.
    ///
    /// Nothing refers to that ever again, so the lock may be let go meanwhile.
    pub(crate) fn sweep(&self, listed: &[Swept], items: &dyn Items) -> Result<Cleared, StoreError> {
        let (mut swept, mut cleared) = (Vec::new(), Cleared::Everything);
        for entry in listed {
            let is_own = entry.profile == self.profile;
            if !is_own && !self.is_abandoned(entry) {
                continue;
            }
            let delete = |n| items.delete(&item(&entry.profile, &entry.revision, n));
            match (0..entry.items).try_for_each(delete) {
                Ok(()) => swept.push(entry),
                Err(_) if is_own => cleared = Cleared::LeftToSweep,
                Err(_) => {}
            }
        }
        if !swept.is_empty() {
            self.unlist(&swept)?;
        }
        Ok(cleared)
    }

    fn unlist(&self, swept: &[&Swept]) -> Result<(), StoreError> {
        self.folder.update(|document| {
            swept.iter().for_each(|entry| document.remove_from_sweep(entry));
            Ok(())
        })
    }

    /// Whether the writer of another profile that listed `entry` was killed, or gave up: it is
    /// listed while nobody has the lock.
    fn is_abandoned(&self, entry: &Swept) -> bool {
        let lock = self.folder.try_refresh_lock(&entry.profile);
        matches!(lock, Ok(Some(_)))
            && self.folder.read().is_ok_and(|document| document.sweep().contains(entry))
    }

    /// The tokens in the items of `revision`; `None` if they are not all there, or not the same.
    fn read_items(
        &self,
        revision: &Revision,
        items: u64,
        expected: &str,
    ) -> Result<Option<Value>, StoreError> {
        let mut parts = Vec::new();
        for n in 0..items {
            match self.items.read(&item(&self.profile, &revision.0, n))? {
                Some(part) => parts.push(part),
                None => return Ok(None),
            }
        }
        let size = parts.iter().map(|part| part.len()).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(size));
        for part in &parts {
            text.extend_from_slice(part);
        }
        if sha256(&text) != expected {
            return Ok(None);
        }
        Ok(parse_json(&text).ok())
    }
}

fn item(profile: &str, revision: &str, n: u64) -> String {
    format!("{profile}/{revision}/{n}")
}

/// Nobody waits for the result any more, so it must not come.
fn too_late() -> StoreError {
    StoreError::Unavailable("it took too long".to_owned())
}
