use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use astropass_core::wire::{MAX_DEPTH, Value};
use astropass_core::{Cleared, Credentials, Provider, Revision, Secret, Store, StoreError, Stored};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

use crate::bindings::{
    self, Host, database, parse, print, property, put, random_name, store_error, text,
};
use crate::json::{to_js, to_value};
use crate::task::settled;

/// The version of what is stored.
const VERSION: f64 = 1.0;

/// One profile's session, where `store.js` keeps it.
///
/// Its text is `{version, revision, session, tokens, provider}`: with the provider, a page needs
/// no discovery to go on.
#[derive(Clone)]
pub(crate) struct ProfileStore {
    store: bindings::Store,
    /// The access token that a login is about to store, and the record for it.
    login: RefCell<Option<(Secret, JsValue)>>,
}

/// The profile's lock, or the wish for it: until this is dropped, or its page goes away.
pub(crate) struct Guard(bindings::ProfileLock);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl ProfileStore {
    /// The session kept under `key`.
    pub(crate) fn new(host: &Host, key: &str) -> Self {
        let store = bindings::Store::new(key, &database(), &host.storage());
        Self { store, login: RefCell::default() }
    }

    /// What keeps the database from being used, if anything does; then it is not.
    pub(crate) async fn start(&self, thorough: bool) -> Option<StoreError> {
        let problem = settled(self.store.start(thorough)).await.ok();
        problem.filter(|problem| !problem.is_undefined()).map(|error| store_error(&error))
    }

    /// The provider that the stored session is from.
    pub(crate) async fn provider(&self) -> Result<Option<Provider>, StoreError> {
        let Some((_, record)) = self.record().await? else { return Ok(None) };
        let provider = to_value(&property(&record, "provider"), MAX_DEPTH).ok();
        Ok(provider.and_then(|provider| Provider::from_value(&provider)))
    }

    /// Says that the session with `access_token` is a login's at `provider`: it keeps nothing of the
    /// record that is there, which may be another person's.
    pub(crate) fn begin_login(&self, access_token: &Secret, provider: &Provider) {
        let mut record = Value::Map(Vec::new());
        record.put("version", Some(Value::Number(VERSION)));
        record.put("provider", Some(provider.to_value()));
        self.login.replace(Some((access_token.clone(), to_js(&record))));
    }

    pub(crate) fn end_login(&self) {
        self.login.take();
    }

    /// What is stored, and its revision.
    async fn record(&self) -> Result<Option<(String, JsValue)>, StoreError> {
        let found = answered(self.store.read()).await?;
        let Some(revision) = text(&found, "revision") else { return Ok(None) };
        let stored = text(&found, "text").map(Zeroizing::new).ok_or_else(corrupt)?;
        let record = parse(stored.as_bytes());
        if property(&record, "version").as_f64().ok_or_else(corrupt)? > VERSION {
            return Err(StoreError::Newer(String::new()));
        }
        Ok(Some((revision, record)))
    }

    /// What a session of `access_token` is stored in: a login's in a record of its own, any other
    /// in the one that is there, with what a newer version may have added.
    async fn record_for(&self, access_token: &Secret) -> Result<JsValue, StoreError> {
        if let Some((begun, record)) = &*self.login.borrow()
            && begun == access_token
        {
            return Ok(record.clone());
        }
        Ok(self.record().await?.ok_or(StoreError::Changed)?.1)
    }
}

fn corrupt() -> StoreError {
    StoreError::Corrupt(String::new())
}

impl Store for ProfileStore {
    type Guard = Guard;

    async fn revision(&self) -> Result<Option<Revision>, StoreError> {
        Ok(answered(self.store.revision()).await?.as_string().map(Revision))
    }

    async fn load(&self) -> Result<Option<(Revision, Arc<Credentials>)>, StoreError> {
        let Some((revision, record)) = self.record().await? else { return Ok(None) };
        let part = |name| to_value(&property(&record, name), MAX_DEPTH).map_err(|_| corrupt());
        let (session, tokens) = (part("session")?, part("tokens")?);
        let credentials = Credentials::from_stored(Stored { session, tokens })?;
        Ok(Some((Revision(revision), Arc::new(credentials))))
    }

    async fn lock(&self, wait: Duration) -> Result<Guard, StoreError> {
        // Owned before it is granted, so that who stops waiting does not keep it.
        let guard = Guard(self.store.lock(wait.as_secs_f64() * 1000.0));
        answered(guard.0.granted()).await?;
        Ok(guard)
    }

    async fn probe(&self, _guard: &Guard) -> Result<(), StoreError> {
        answered(self.store.probe()).await?;
        Ok(())
    }

    async fn save(
        &self,
        _guard: &Guard,
        expected: Option<&Revision>,
        credentials: &Credentials,
    ) -> Result<Revision, StoreError> {
        let revision = random_name();
        let Stored { session, tokens } = credentials.to_stored();
        let record = self.record_for(&credentials.access_token).await?;
        put(&record, "revision", &revision.as_str().into());
        put(&record, "session", &to_js(&session));
        put(&record, "tokens", &to_js(&tokens));
        let expected = expected.map(|expected| expected.0.as_str());
        answered(self.store.save(expected, &revision, &print(&record))).await?;
        Ok(Revision(revision))
    }

    async fn clear(&self, _guard: &Guard, expected: &Revision) -> Result<Cleared, StoreError> {
        answered(self.store.clear(&expected.0)).await?;
        Ok(Cleared::Everything)
    }
}

async fn answered(promise: Promise) -> Result<JsValue, StoreError> {
    settled(promise).await.map_err(|error| store_error(&error))
}
