//! What a home has stored, in the file or in a keyring.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use astropass::{Credentials, Home, Keyring, KeyringPrompt, ProfileStore, StoreChoice};
use astropass_core::Store;
use astropass_tests::HANGS;
use astropass_tests::ast::Ast;
use astropass_tests::sandbox;
use astropass_tests::store_suite::same;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

/// What a session leaves in its profile, and a logout takes away.
const OF_A_SESSION: [&str; 9] = [
    "session",
    "revision",
    "store",
    "tokens",
    "items",
    "sha256",
    "accounts",
    "organization",
    "workspace",
];

/// Where a session's tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File,
    /// That of the test's own bus.
    Keyring,
}

impl Place {
    pub(crate) fn choice(self) -> StoreChoice {
        match self {
            Self::File => StoreChoice::File,
            Self::Keyring => StoreChoice::Keyring,
        }
    }

    /// As the option `--store` has it.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
        }
    }

    /// How many of `lanes` may go on at once: `ast` gives a keyring three seconds, however many others it
    /// has to serve, and however slow the machine is.
    pub(crate) fn at_once(self, lanes: usize) -> usize {
        match self {
            Self::File => lanes,
            Self::Keyring => 2,
        }
    }

    /// Lets a program find the keyring.
    pub(crate) fn reach(self, program: Ast) -> Ast {
        match self {
            Self::File => program,
            Self::Keyring => {
                program.env("DBUS_SESSION_BUS_ADDRESS", env::var(sandbox::BUS).unwrap())
            }
        }
    }
}

/// The store of one home.
pub(crate) struct Kept {
    home: PathBuf,
    pub(crate) place: Place,
}

/// All that is stored of a profile.
pub(crate) struct Profile {
    /// Session and tokens; `None` if it is signed out.
    pub(crate) session: Option<Credentials>,
    /// What the file says of it.
    pub(crate) entry: Value,
}

/// The whole of it, by every byte: a mixture of two sessions is neither of them.
impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        let same_session = match (&self.session, &other.session) {
            (Some(one), Some(other)) => same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_session && self.entry == other.entry
    }
}

impl Profile {
    /// Whether a logout has taken all of the session away.
    pub(crate) fn is_signed_out(&self) -> bool {
        self.session.is_none() && OF_A_SESSION.iter().all(|name| self.entry.get(name).is_none())
    }

    /// Its access token, which has to be there.
    pub(crate) fn access_token(&self) -> &str {
        self.session.as_ref().unwrap().access_token.expose_secret()
    }

    /// Whether all tokens are among `issued`.
    pub(crate) fn is_of(&self, issued: &[String]) -> bool {
        self.session.as_ref().is_some_and(|session| {
            let mut tokens = session.refresh_token.iter().chain([&session.access_token]);
            tokens.all(|token| issued.iter().any(|issued| issued == token.expose_secret()))
        })
    }

    /// What the access token says of itself.
    pub(crate) fn claims(&self) -> Value {
        let claims = self.access_token().split('.').nth(1).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }
}

impl Kept {
    pub(crate) fn new(home: &Path, place: Place) -> Self {
        Self { home: home.to_owned(), place }
    }

    pub(crate) fn home(&self) -> Home {
        Home::in_directory(&self.home)
    }

    fn store(&self, profile: &str) -> ProfileStore {
        // Nothing is asked, and however slow the machine is, there is time.
        let keyring = Arc::new(Keyring::new("astropass", KeyringPrompt::Allowed));
        ProfileStore::new(&self.home(), profile, keyring, self.place.choice(), true)
    }

    /// What is stored of a profile; the store has to be readable.
    pub(crate) fn profile(&self, name: &str) -> Profile {
        let session = block_on(self.store(name).load()).unwrap();
        let session = session.map(|(_, session)| Credentials::clone(&session));
        Profile { session, entry: self.file()["profiles"][name].clone() }
    }

    /// The profile that a program uses unless told otherwise.
    pub(crate) fn current(&self, program: &str) -> Value {
        self.file()["current"][program].clone()
    }

    pub(crate) fn save(&self, profile: &str, credentials: &Credentials) {
        block_on(async {
            let store = self.store(profile);
            let guard = store.lock(HANGS).await.unwrap();
            store.save(&guard, None, credentials).await.unwrap();
        });
    }

    /// Signs out without the server's knowledge.
    pub(crate) fn sign_out(&self, profile: &str) {
        block_on(async {
            let store = self.store(profile);
            let guard = store.lock(HANGS).await.unwrap();
            if let Some(revision) = store.revision().await.unwrap() {
                store.clear(&guard, &revision).await.unwrap();
            }
        });
    }

    /// `.astro`.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.join(".astro")
    }

    /// What `credentials.json` says; null where there is none.
    pub(crate) fn file(&self) -> Value {
        let text = fs::read(self.folder().join("credentials.json"));
        text.map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap())
    }

    /// How many items, list entries and files are left of what was cut short in the profiles that
    /// are `owned`; items of others are in the same keyring.
    pub(crate) fn orphans(&self, owned: impl Fn(&str) -> bool) -> usize {
        let file = self.file();
        let mut orphans = file["sweep"].as_array().map_or(0, Vec::len);
        if self.place == Place::Keyring {
            let profiles = file["profiles"].as_object().into_iter().flatten();
            let referred: Vec<_> = profiles
                .flat_map(|(name, profile)| {
                    let items = profile["items"].as_u64().unwrap_or(0);
                    let revision = profile["revision"].as_str().unwrap_or_default().to_owned();
                    (0..items).map(move |n| format!("{name}/{revision}/{n}"))
                })
                .collect();
            let mut own = sandbox::items();
            own.retain(|item| item.split_once('/').is_some_and(|(profile, _)| owned(profile)));
            for item in &referred {
                assert!(own.contains(item), "the file refers to an item that is not there");
            }
            orphans += own.len() - referred.len();
        }
        let names = fs::read_dir(self.folder())
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let expected = |name: &String| name == "credentials.json" || name.ends_with(".lock");
        orphans + names.filter(|name| !expected(name)).count()
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
