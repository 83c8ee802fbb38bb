//! Somebody at a terminal who uses `ast`, with a session in the file or in a keyring.

use std::time::Duration;

use astropass::{Credentials, parse_json};
use astropass_core::Stored;
use astropass_tests::ast::{Ast, World, eager};
use astropass_tests::client::get;
use astropass_tests::server::{Approval, Options};
use http::header::LOCATION;
use serde_json::Value;

use crate::browser::Browser;
use crate::kept::{Kept, Place};

pub(crate) struct Terminal {
    pub(crate) world: World,
    pub(crate) kept: Kept,
    /// Whose session it is that something is done to.
    pub(crate) profile: String,
    /// Another one, to switch from.
    pub(crate) other: String,
    /// Whether the server repeats its answer to a refresh.
    pub(crate) has_grace: bool,
    pub(crate) browser: Browser,
}

impl Terminal {
    /// `grace` is the server's, in seconds.
    pub(crate) fn new(place: Place, profile: String, grace: u64) -> Self {
        let options = Options {
            auto_approve: Some(Approval::default()),
            grace: Duration::from_secs(grace),
            ..eager()
        };
        let world = World::new(options);
        let kept = Kept::new(world.home.path(), place);
        let browser = Browser::new(world.home.path(), visit);
        let other = format!("{profile}-other");
        Self { world, kept, profile, other, has_grace: grace > 0, browser }
    }

    pub(crate) fn ast(&self, args: &str) -> Ast {
        self.kept.place.reach(self.world.ast(args)).env("ASTRO_PROFILE", &self.profile)
    }

    /// Leaves a profile as a login would whose tokens are in this place, and nothing else behind.
    pub(crate) fn sign_in(&self, profile: &str) {
        self.kept.sign_out(profile);
        self.world.sign_in(profile);
        let (mut session, mut accounts) = (None, Value::Null);
        self.world.home.edit(profile, |entry| {
            session = Some(take_session(entry));
            accounts = entry["accounts"].take();
        });
        self.kept.save(profile, &session.unwrap());
        self.world.home.edit(profile, |entry| entry["accounts"] = accounts);
    }

    /// The tokens came as many seconds earlier.
    pub(crate) fn age(&self, seconds: i64) {
        self.world.home.age(&self.profile, seconds);
    }

    /// Whether a profile is one of this terminal's.
    pub(crate) fn owns(&self, profile: &str) -> bool {
        profile == self.profile || profile == self.other
    }
}

/// Follows a link to its end, at a server that needs nobody's word. Both ends of it may be gone.
fn visit(link: &str) {
    let page = get(link).send();
    if let Some(callback) = page.ok().as_ref().and_then(|page| page.header(&LOCATION)) {
        let _ = get(callback).send();
    }
}

/// Takes the session out of a profile that has its tokens in the file.
fn take_session(entry: &mut Value) -> Credentials {
    let fields = entry.as_object_mut().unwrap();
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
