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
//! Killed between any two steps, the file refers to a whole credential, and the next writer
//! finishes the sweep.

use std::sync::{Arc, Mutex, PoisonError};

use astropass_core::wire::Value;
use astropass_core::{Cleared, Credentials, Revision, StoreError};
use zeroize::Zeroizing;

use super::document::{Document, Swept, Tokens, random_name, sha256};
use super::file::{Folder, Signature};
use super::{Items, StoreKind};
use crate::json::{parse_json, print_json};

pub(crate) struct Vault {
    pub(crate) folder: Folder,
    pub(crate) profile: String,
    pub(crate) items: Arc<dyn Items>,
    seen: Mutex<Option<(Option<Signature>, Arc<Document>)>>,
}

impl Vault {
    pub(crate) fn new(folder: Folder, profile: String, items: Arc<dyn Items>) -> Self {
        Self { folder, profile, items, seen: Mutex::default() }
    }

    /// The file, read again only if it changed since the last call.
    pub(crate) fn document(&self) -> Result<Arc<Document>, StoreError> {
        // Looked at before it is read: a change in between is seen at the next call.
        let signature = self.folder.signature()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, document)) = &*seen
            && *then == signature
        {
            return Ok(Arc::clone(document));
        }
        let document = Arc::new(self.folder.read()?);
        *seen = Some((signature, Arc::clone(&document)));
        Ok(document)
    }

    pub(crate) fn load(&self) -> Result<Option<(Revision, Credentials)>, StoreError> {
        let mut missed: Option<Revision> = None;
        loop {
            let document = self.document()?;
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
        match kind {
            StoreKind::File => {
                self.folder.update(|_| Ok(()))?;
                self.folder.read().map(drop)
            }
            StoreKind::Keyring => {
                self.stage(b"astropass probe")?;
                self.sweep().map(drop)
            }
        }
    }

    /// Stores `credentials`; `commit` is asked just before they are made the profile's.
    pub(crate) fn save(
        &self,
        kind: StoreKind,
        expected: Option<&Revision>,
        credentials: &Credentials,
        settings: impl FnOnce(&mut Document),
        commit: &dyn Fn() -> bool,
    ) -> Result<Revision, StoreError> {
        let stored = credentials.to_stored();
        let (revision, tokens, staged) = match kind {
            StoreKind::File => (Revision(random_name()?), Tokens::File(stored.tokens), false),
            StoreKind::Keyring => {
                let text = print_json(&stored.tokens);
                let staged = self.stage(&text)?;
                let tokens = Tokens::Keyring { items: staged.items, sha256: sha256(&text) };
                (Revision(staged.revision), tokens, true)
            }
        };
        let old_items = self.folder.update(|document| {
            if document.revision(&self.profile).as_ref() != expected {
                return Err(StoreError::Changed);
            }
            if !commit() {
                return Err(too_late());
            }
            let old_items = self.list_current(document);
            document.sign_in(&self.profile, &revision, stored.session, tokens);
            document.remove_from_sweep(&self.profile, &revision.0);
            settings(document);
            Ok(old_items)
        })?;
        if staged || old_items {
            // The new session is stored; what is left of the old one is listed.
            let _ = self.sweep();
        }
        Ok(revision)
    }

    /// Signs the profile out.
    pub(crate) fn clear(
        &self,
        expected: &Revision,
        commit: &dyn Fn() -> bool,
    ) -> Result<Cleared, StoreError> {
        self.folder.update(|document| {
            if document.revision(&self.profile).as_ref() != Some(expected) {
                return Err(StoreError::Changed);
            }
            if !commit() {
                return Err(too_late());
            }
            self.list_current(document);
            document.sign_out(&self.profile);
            Ok(())
        })?;
        Ok(self.sweep().unwrap_or(Cleared::LeftToSweep))
    }

    /// Lists the profile's present items, if it has any, to be deleted.
    fn list_current(&self, document: &mut Document) -> bool {
        let (Some(revision), Ok(Tokens::Keyring { items, .. })) =
            (document.revision(&self.profile), document.tokens(&self.profile))
        else {
            return false;
        };
        document.add_to_sweep(&self.profile, &Swept { revision: revision.0, items });
        true
    }

    /// Steps 1 and 2: writes `text` as items that nothing refers to yet but the list to sweep.
    fn stage(&self, text: &[u8]) -> Result<Swept, StoreError> {
        let size = self.items.limit().unwrap_or(text.len()).max(1);
        let parts: Vec<&[u8]> = text.chunks(size).collect();
        let staged = Swept { revision: random_name()?, items: parts.len() as u64 };
        self.folder.update(|document| {
            document.add_to_sweep(&self.profile, &staged);
            Ok(())
        })?;
        for (n, part) in (0..).zip(&parts) {
            let name = self.item(&staged.revision, n);
            self.items.write(&name, part)?;
            let read = self.items.read(&name)?;
            if read.as_ref().map(|read| read.as_slice()) != Some(part) {
                return Err(StoreError::Unavailable(
                    "it does not give back what was written".to_owned(),
                ));
            }
        }
        Ok(staged)
    }

    /// Step 4, also for writers that were killed before theirs.
    fn sweep(&self) -> Result<Cleared, StoreError> {
        let listed = self.folder.read()?.sweep_of(&self.profile);
        let (mut swept, mut cleared) = (Vec::new(), Cleared::Everything);
        for entry in listed {
            let deleted = (0..entry.items)
                .try_for_each(|n| self.items.delete(&self.item(&entry.revision, n)));
            match deleted {
                Ok(()) => swept.push(entry),
                Err(_) => cleared = Cleared::LeftToSweep,
            }
        }
        if !swept.is_empty() {
            self.folder.update(|document| {
                for entry in &swept {
                    document.remove_from_sweep(&self.profile, &entry.revision);
                }
                Ok(())
            })?;
        }
        Ok(cleared)
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
            match self.items.read(&self.item(&revision.0, n))? {
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

    fn item(&self, revision: &str, n: u64) -> String {
        format!("{}/{revision}/{n}", self.profile)
    }
}

/// Nobody waits for the result any more, so it must not come.
fn too_late() -> StoreError {
    StoreError::Unavailable("it took too long".to_owned())
}
