//! One server, one profile, one clock, and sessions that share them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use astropass_core::wire::ParseJson;
use astropass_core::{
    AccessToken, Credentials, Dialect, Endpoint, Endpoints, Error, Event, Grant, Instant,
    MemoryStore, Provider, Runtime, Secret, Store, Timestamp,
};
use astropass_tests::server::CANARY;

use super::server::Server;
use super::store::FaultyStore;

pub(crate) type Session = astropass_core::Session<Server, FaultyStore, VirtualRuntime>;

/// What was done to store and server, in order.
pub(crate) type Journal = Arc<Mutex<Vec<String>>>;

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) store: FaultyStore,
    pub(crate) runtime: VirtualRuntime,
    pub(crate) provider: Provider,
    journal: Journal,
}

/// Tokio's paused clock, and a wall clock that can be stepped.
#[derive(Clone)]
pub(crate) struct VirtualRuntime {
    began: tokio::time::Instant,
    wall_offset: Arc<AtomicI64>,
    events: Arc<Mutex<Vec<Event>>>,
}

/// The wall clock's seconds when a world begins.
const BEGIN: i64 = 1_800_000_000;

impl Runtime for VirtualRuntime {
    fn now(&self) -> Instant {
        Instant::from_millis(self.began.elapsed().as_millis() as u64)
    }

    fn wall(&self) -> Timestamp {
        let offset = self.wall_offset.load(Ordering::SeqCst);
        Timestamp::from_unix(BEGIN + offset + self.began.elapsed().as_secs() as i64)
    }

    async fn sleep_until(&self, until: Instant) {
        tokio::time::sleep_until(self.began + Duration::from_millis(until.as_millis())).await;
    }

    fn json(&self) -> ParseJson {
        astropass::parse_json
    }

    fn emit(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }
}

impl World {
    /// Nobody is signed in.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let journal = Journal::default();
        let endpoint = |path| Some(Endpoint::parse(&format!("https://op.example/{path}")).unwrap());
        Self {
            server: Server::new(Arc::clone(&journal)),
            store: FaultyStore::new(MemoryStore::new(), Arc::clone(&journal)),
            runtime: VirtualRuntime {
                began: tokio::time::Instant::now(),
                wall_offset: Arc::default(),
                events: Arc::default(),
            },
            provider: Provider {
                issuer: "https://op.example".to_owned(),
                client_id: "cli".to_owned(),
                scopes: Vec::new(),
                endpoints: Endpoints {
                    device_authorization: endpoint("device"),
                    token: endpoint("token"),
                    revocation: endpoint("revoke"),
                    ..Endpoints::default()
                },
                dialect,
            },
            journal,
        }
    }

    /// A session of an hour, `age` seconds old, is stored; its tokens are `access-0`, `refresh-0`.
    pub(crate) async fn signed_in(age: i64) -> Self {
        Self::signed_in_with(Dialect::Standard, age, |_| {}).await
    }

    pub(crate) async fn signed_in_with(
        dialect: Dialect,
        age: i64,
        change: impl FnOnce(&mut Credentials),
    ) -> Self {
        let world = Self::new(dialect);
        let mut credentials = world.credentials(0);
        credentials.received_at = Timestamp::from_unix(BEGIN - age);
        change(&mut credentials);
        world.put(&credentials).await;
        world
    }

    /// The session whose tokens have `number`, received now.
    pub(crate) fn credentials(&self, number: u32) -> Credentials {
        let grant = Grant {
            access_token: secret(&format!("access-{number}")),
            refresh_token: Some(secret(&format!("refresh-{number}"))),
            lifetime: Some(3600),
            subject: Some("sub-1".to_owned()),
            organization: None,
            user: None,
        };
        let provider = &self.provider;
        Credentials::new(&provider.issuer, &provider.client_id, grant, self.runtime.wall())
    }

    /// Writes as a program would that knows nothing of our lock.
    pub(crate) async fn put(&self, credentials: &Credentials) {
        self.store.put(credentials).await;
    }

    /// Another process, or another object in this one.
    pub(crate) fn session(&self) -> Arc<Session> {
        let (server, store) = (self.server.clone(), self.store.clone());
        Arc::new(Session::new(self.provider.clone(), server, store, self.runtime.clone()))
    }

    /// A session that has read the store.
    pub(crate) async fn open(&self) -> Arc<Session> {
        let session = self.session();
        session.credentials().await.unwrap();
        self.take_journal();
        session
    }

    pub(crate) fn step_wall(&self, seconds: i64) {
        self.runtime.wall_offset.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn take_journal(&self) -> Vec<String> {
        std::mem::take(&mut self.journal.lock().unwrap())
    }

    /// What is in the journal from its beginning, of the entries that start with `name`.
    pub(crate) fn count(&self, name: &str) -> usize {
        let journal = self.journal.lock().unwrap();
        journal.iter().filter(|entry| entry.split(' ').next() == Some(name)).count()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        let events = std::mem::take(&mut *self.runtime.events.lock().unwrap());
        events
            .iter()
            .map(|event| match event {
                Event::SignedIn => "signed_in".to_owned(),
                Event::Refreshed { .. } => "refreshed".to_owned(),
                Event::NotSaved(error) => format!("not_saved {}", error.code()),
                Event::RefreshFailed(error) => format!("refresh_failed {}", error.code()),
                Event::SessionOver => "session_over".to_owned(),
                Event::SignedOut => "signed_out".to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    /// The access and refresh tokens in the store.
    pub(crate) async fn stored(&self) -> Option<(String, String)> {
        let (_, credentials) = self.store.inner.load().await.unwrap()?;
        let refresh_token = credentials.refresh_token.clone().unwrap();
        let name = |token: &Secret| unmarked(token.expose_secret());
        Some((name(&credentials.access_token), name(&refresh_token)))
    }

    /// How long `work` takes on the virtual clock, in milliseconds, and what it gives.
    pub(crate) async fn timed<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        let before = self.runtime.now();
        let output = work.await;
        (self.runtime.now().since(before).as_millis() as u64, output)
    }
}

/// What a platform does for a caller who wants a token.
pub(crate) async fn token(session: &Arc<Session>) -> Result<String, Error> {
    let token = match session.fresh().await? {
        Some(token) => token,
        None => Arc::clone(session).refresh(None).await?,
    };
    Ok(text(&token))
}

/// The name of a token.
pub(crate) fn text(token: &AccessToken) -> String {
    unmarked(token.expose_secret())
}

/// The token of this name. It has the marker that the output of the tests is searched for, and what
/// tests compare has not: see `tests/search-output`.
pub(crate) fn secret(name: &str) -> Secret {
    Secret::new(format!("{CANARY}-{name}"))
}

pub(crate) fn unmarked(text: &str) -> String {
    text.replace(&format!("{CANARY}-"), "")
}

pub(crate) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

pub(crate) fn codes<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}
