//! Somebody at a terminal whose session is kept in the file or in a keyring.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use astropass::{Credentials, Home, Keyring, KeyringPrompt, ProfileStore, StoreChoice, parse_json};
use astropass_core::{Store, Stored};
use astropass_tests::ast::{Ast, World, eager};
use astropass_tests::sandbox;
use astropass_tests::server::{Approval, Options};
use serde_json::Value;

/// Longer than anything here takes, shorter than a test may hang.
const LONG: Duration = Duration::from_secs(30);

/// Where a session's tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File,
    /// That of the test's own bus.
    Keyring,
}

pub(crate) struct Terminal {
    pub(crate) world: World,
    pub(crate) place: Place,
    /// Items of others are in the same keyring.
    pub(crate) profile: String,
    /// Whether the server repeats its answer to a refresh.
    pub(crate) has_grace: bool,
}

/// The tokens of a session.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Terminal {
    /// `grace` is the server's, in seconds.
    pub(crate) fn new(place: Place, profile: String, grace: u64) -> Self {
        let options = Options {
            auto_approve: Some(Approval::default()),
            grace: Duration::from_secs(grace),
            ..eager()
        };
        Self { world: World::new(options), place, profile, has_grace: grace > 0 }
    }

    pub(crate) fn ast(&self, args: &str) -> Ast {
        let ast = self.world.ast(args).env("ASTRO_PROFILE", &self.profile);
        match self.place {
            Place::File => ast,
            Place::Keyring => ast.env("DBUS_SESSION_BUS_ADDRESS", env::var(sandbox::BUS).unwrap()),
        }
    }

    pub(crate) fn choice(&self) -> StoreChoice {
        match self.place {
            Place::File => StoreChoice::File,
            Place::Keyring => StoreChoice::Keyring,
        }
    }

    fn store(&self) -> ProfileStore {
        let home = Home::in_directory(self.world.home.path());
        let keyring = Arc::new(Keyring::new("astropass", KeyringPrompt::Never));
        ProfileStore::new(&home, &self.profile, keyring, self.choice(), false)
    }

    /// The stored tokens; the store has to be readable.
    pub(crate) fn tokens(&self) -> Option<Tokens> {
        let (_, found) = block_on(self.store().load()).unwrap()?;
        let text = |secret: &astropass::Secret| secret.expose_secret().to_owned();
        Some(Tokens {
            access: text(&found.access_token),
            refresh: text(found.refresh_token.as_ref().unwrap()),
        })
    }

    /// Leaves the profile as a login would whose tokens are in this place, and nothing else behind.
    pub(crate) fn sign_in(&self) {
        self.sign_out();
        self.world.sign_in(&self.profile);
        let mut file = None;
        self.world.home.edit(&self.profile, |profile| file = Some(take_session(profile)));
        let credentials = file.unwrap();
        block_on(async {
            let store = self.store();
            let guard = store.lock(LONG).await.unwrap();
            store.save(&guard, None, &credentials).await.unwrap();
        });
    }

    /// Signs out without the server's knowledge.
    pub(crate) fn sign_out(&self) {
        block_on(async {
            let store = self.store();
            let guard = store.lock(LONG).await.unwrap();
            if let Some(revision) = store.revision().await.unwrap() {
                store.clear(&guard, &revision).await.unwrap();
            }
        });
    }

    /// `.astro`.
    pub(crate) fn folder(&self) -> PathBuf {
        self.world.home.path().join(".astro")
    }

    /// The tokens came as many seconds earlier.
    pub(crate) fn age(&self, seconds: i64) {
        self.world.home.age(&self.profile, seconds);
    }

    /// What `credentials.json` says; null where there is none.
    pub(crate) fn file(&self) -> Value {
        let exists = self.world.home.credentials_file().exists();
        if exists { self.world.home.credentials() } else { Value::Null }
    }

    /// How many items, list entries and files are left of what was cut short.
    pub(crate) fn orphans(&self) -> usize {
        let file = self.file();
        let profile = &file["profiles"][&self.profile];
        let referred: Vec<_> = (0..profile["items"].as_u64().unwrap_or(0))
            .map(|n| format!("{}/{}/{n}", self.profile, profile["revision"].as_str().unwrap()))
            .collect();
        let mut orphans = file["sweep"].as_array().map_or(0, Vec::len);
        if self.place == Place::Keyring {
            let mut own = sandbox::items();
            own.retain(|item| item.starts_with(&format!("{}/", self.profile)));
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

/// Takes the session out of a profile that has its tokens in the file.
fn take_session(profile: &mut Value) -> Credentials {
    let fields = profile.as_object_mut().unwrap();
    let mut value = |name| {
        let value = fields.remove(name).unwrap().to_string();
        parse_json(value.as_bytes()).unwrap()
    };
    let stored = Stored { session: value("session"), tokens: value("tokens") };
    for name in ["revision", "store", "items", "sha256"] {
        fields.remove(name);
    }
    Credentials::from_stored(stored).unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
