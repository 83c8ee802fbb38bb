//! What `credentials.json` says; `native/STORAGE.md` gives its form. Fields that this version does not
//! know survive a rewrite.

use std::fmt::Write;

use astropass_core::wire::Value;
use astropass_core::{Credentials, Identity, Revision, StoreError, Stored, is_profile_name};
use sha2::{Digest, Sha256};

use super::StoreKind;

const VERSION: u64 = 1;
/// What is another user's no longer.
const PERSONAL: [&str; 3] = ["accounts", "organization", "workspace"];

/// The whole file.
#[derive(Clone, Debug)]
pub(crate) struct Document(Value);

/// A file that could be read.
pub(crate) enum Parsed {
    Current(Document),
    /// Its older client wrote no version; this is what could be taken over of it.
    OlderClient(Document),
}

/// Where a profile's tokens are.
pub(crate) enum Tokens {
    File(Value),
    Keyring { items: u64, sha256: String },
}

/// Items of a credential that are to be deleted, or that are just being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swept {
    pub(crate) profile: String,
    pub(crate) revision: String,
    pub(crate) items: u64,
}

impl Default for Document {
    fn default() -> Self {
        Self(Value::map([
            ("version", Some(VERSION.into())),
            ("current", Some(Value::Map(Vec::new()))),
            ("profiles", Some(Value::Map(Vec::new()))),
        ]))
    }
}

impl Document {
    pub(crate) fn parse(value: Value) -> Result<Parsed, StoreError> {
        let corrupt = |problem: &str| Err(StoreError::Corrupt(problem.to_owned()));
        if !matches!(value, Value::Map(_)) {
            return corrupt("credentials.json holds no JSON object");
        }
        match (value.field("version"), value.seconds("version")) {
            (None, _) if value.field("profiles").is_some() => {
                Ok(Parsed::OlderClient(Self::from_older_client(&value)))
            }
            (None, _) => corrupt("credentials.json names no version"),
            (_, Some(VERSION)) => match value.field("profiles") {
                Some(Value::Map(_)) => Ok(Parsed::Current(Self(value))),
                _ => corrupt("credentials.json holds no profiles"),
            },
            (_, Some(version)) if version > VERSION => Err(StoreError::Newer(format!(
                "credentials.json has version {version}, this program knows {VERSION}; use the newer program"
            ))),
            _ => corrupt("the version of credentials.json is not a number"),
        }
    }

    /// Takes over what the older client knew of its profiles; its tokens it keeps.
    fn from_older_client(older: &Value) -> Self {
        let mut document = Self::default();
        let Some(Value::Map(profiles)) = older.field("profiles") else { return document };
        for (name, profile) in profiles.iter().filter(|(name, _)| is_profile_name(name)) {
            let user = profile.field("user");
            let text = |name| user.and_then(|user| user.string(name)).filter(|t| !t.is_empty());
            let names = ["first_name", "last_name"].map(|name| text(name).unwrap_or_default());
            let name_of_user = names.join(" ");
            let taken = Value::map([
                ("id", text("id").map(Value::from)),
                ("email", text("email").map(Value::from)),
                ("name", Some(name_of_user.trim()).filter(|n| !n.is_empty()).map(Value::from)),
            ]);
            let new = document.profile_mut(name);
            new.set("user", Some(taken));
            new.set("accounts", profile.field("accounts").cloned());
        }
        if let Some(current) = older.string("current_profile").filter(|name| is_profile_name(name))
        {
            document.set_current("ast", Some(current));
        }
        document
    }

    pub(crate) fn as_value(&self) -> &Value {
        &self.0
    }

    /// The names of all profiles, in the order of the file.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self.0.field("profiles") {
            Some(Value::Map(profiles)) => profiles.iter().map(|(name, _)| name.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn profile(&self, name: &str) -> Option<&Value> {
        self.0.field("profiles")?.field(name)
    }

    /// The profile, begun if there is none.
    pub(crate) fn profile_mut(&mut self, name: &str) -> &mut Value {
        self.0.object("profiles").object(name)
    }

    /// Removes the profile, which is then no program's current one any more.
    pub(crate) fn remove_profile(&mut self, name: &str) {
        self.0.object("profiles").set(name, None);
        if let Some(Value::Map(programs)) = self.0.field_mut("current") {
            programs.retain(|(_, current)| current.as_str() != Some(name));
        }
    }

    /// The profile that `program` uses unless told otherwise.
    pub(crate) fn current(&self, program: &str) -> Option<&str> {
        self.0.field("current")?.string(program)
    }

    pub(crate) fn set_current(&mut self, program: &str, name: Option<&str>) {
        self.0.object("current").set(program, name.map(Value::from));
    }

    /// The revision of a signed-in profile.
    pub(crate) fn revision(&self, name: &str) -> Option<Revision> {
        Some(Revision(self.profile(name)?.string("revision")?.to_owned()))
    }

    /// Where the tokens of a signed-in profile are.
    pub(crate) fn tokens(&self, name: &str) -> Result<Tokens, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("profile {name:?} has no {what}"));
        let profile = self.profile(name).ok_or_else(|| corrupt("entry"))?;
        match profile.string("store") {
            Some("file") => {
                let tokens = profile.field("tokens").ok_or_else(|| corrupt("tokens"))?;
                Ok(Tokens::File(tokens.clone()))
            }
            Some("keyring") => Ok(Tokens::Keyring {
                items: profile.seconds("items").ok_or_else(|| corrupt("items"))?,
                sha256: profile.string("sha256").ok_or_else(|| corrupt("sha256"))?.to_owned(),
            }),
            _ => Err(corrupt("store that this program knows")),
        }
    }

    /// What is stored of a session beside its tokens.
    pub(crate) fn session(&self, name: &str) -> Option<&Value> {
        self.profile(name)?.field("session")
    }

    /// The profile `name`, if `user` is still signed in there.
    pub(crate) fn profile_of(
        &mut self,
        name: &str,
        user: &Identity,
    ) -> Result<&mut Value, StoreError> {
        let session = self.session(name).ok_or(StoreError::Changed)?;
        let found = (session.string("issuer"), session.string("subject"));
        if found == (Some(&user.issuer), user.subject.as_deref()) {
            return Ok(self.profile_mut(name));
        }
        Err(StoreError::Changed)
    }

    pub(crate) fn credentials(&self, name: &str, tokens: Value) -> Result<Credentials, StoreError> {
        let session = self.session(name).cloned().unwrap_or(Value::Null);
        Credentials::from_stored(Stored { session, tokens })
    }

    /// Makes `revision` the profile's session.
    pub(crate) fn sign_in(
        &mut self,
        name: &str,
        revision: &Revision,
        session: Value,
        tokens: Tokens,
    ) {
        let user = |session: &Value| {
            Some((session.string("issuer")?.to_owned(), session.string("subject")?.to_owned()))
        };
        let is_same =
            user(&session).is_some_and(|new| self.session(name).and_then(user) == Some(new));
        let profile = self.profile_mut(name);
        if !is_same {
            for field in PERSONAL {
                profile.set(field, None);
            }
        }
        profile.set("user", None);
        profile.set("session", Some(session));
        profile.set("revision", Some(revision.0.as_str().into()));
        let (kind, tokens, items, sha256) = match tokens {
            Tokens::File(tokens) => (StoreKind::File, Some(tokens), None, None),
            Tokens::Keyring { items, sha256 } => {
                (StoreKind::Keyring, None, Some(items.into()), Some(sha256.as_str().into()))
            }
        };
        profile.set("store", Some(kind.as_str().into()));
        profile.set("tokens", tokens);
        profile.set("items", items);
        profile.set("sha256", sha256);
    }

    /// Removes the profile's session and leaves its settings.
    pub(crate) fn sign_out(&mut self, name: &str) {
        let profile = self.profile_mut(name);
        let own = ["session", "revision", "store", "tokens", "items", "sha256", "user"];
        for field in own.into_iter().chain(PERSONAL) {
            profile.set(field, None);
        }
    }

    /// Lists items to be deleted.
    pub(crate) fn add_to_sweep(&mut self, swept: &Swept) {
        let entry = Value::map([
            ("profile", Some(swept.profile.as_str().into())),
            ("revision", Some(swept.revision.as_str().into())),
            ("items", Some(swept.items.into())),
        ]);
        match self.0.field_mut("sweep") {
            Some(Value::List(list)) => list.push(entry),
            _ => self.0.set("sweep", Some(Value::List(vec![entry]))),
        }
    }

    /// The items that are listed to be deleted.
    pub(crate) fn sweep(&self) -> Vec<Swept> {
        let list = self.0.field("sweep").and_then(Value::as_list).unwrap_or_default();
        list.iter().filter_map(Swept::read).collect()
    }

    pub(crate) fn remove_from_sweep(&mut self, swept: &Swept) {
        if let Some(Value::List(list)) = self.0.field_mut("sweep") {
            list.retain(|entry| Swept::read(entry).as_ref() != Some(swept));
            if list.is_empty() {
                self.0.set("sweep", None);
            }
        }
    }
}

impl Swept {
    fn read(entry: &Value) -> Option<Self> {
        let text = |name| entry.string(name).map(str::to_owned);
        let profile = text("profile").filter(|name| is_profile_name(name))?;
        Some(Self { profile, revision: text("revision")?, items: entry.seconds("items")? })
    }
}

/// 128 random bits in hexadecimal: never used before, and never again.
pub(crate) fn random_name() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Io(format!("the system gives no random bytes ({error})")))?;
    Ok(hex(&bytes))
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
