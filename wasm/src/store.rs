use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use astropass_core::wire::{MAX_DEPTH, Value};
use astropass_core::{Cleared, Credentials, Provider, Revision, Store, StoreError, Stored};
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
    /// What was last read, without its tokens, and with what a newer version may have added.
    record: Rc<RefCell<JsValue>>,
    /// Whether `record` is what a login begins with instead, until that is stored.
    begins: Rc<Cell<bool>>,
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
        Self { store, record: Rc::default(), begins: Rc::default() }
    }

    /// What keeps the database from being used, if anything does; then it is not.
    pub(crate) async fn start(&self, thorough: bool) -> Option<StoreError> {
        let problem = settled(self.store.start(thorough)).await.ok();
        problem.filter(|problem| !problem.is_undefined()).map(|error| store_error(&error))
    }

    /// The provider that the stored session is from.
    pub(crate) async fn provider(&self) -> Result<Option<Provider>, StoreError> {
        let loaded = self.load().await?;
        let provider = to_value(&property(&self.record.borrow(), "provider"), MAX_DEPTH).ok();
        Ok(loaded.and_then(|_| Provider::from_value(&provider?)))
    }

    fn loaded(&self, found: &JsValue) -> Result<Option<(Revision, Arc<Credentials>)>, StoreError> {
        let Some(revision) = text(found, "revision") else { return Ok(None) };
        let corrupt = || StoreError::Corrupt(String::new());
        let stored = text(found, "text").map(Zeroizing::new).ok_or_else(corrupt)?;
        let stored = parse(stored.as_bytes());
        if property(&stored, "version").as_f64().ok_or_else(corrupt)? > VERSION {
            return Err(StoreError::Newer(String::new()));
        }
        let part = |name| to_value(&property(&stored, name), MAX_DEPTH).map_err(|_| corrupt());
        let (session, tokens) = (part("session")?, part("tokens")?);
        if !self.begins.get() {
            put(&stored, "tokens", &JsValue::UNDEFINED);
            self.record.replace(stored);
        }
        let credentials = Credentials::from_stored(Stored { session, tokens })?;
        Ok(Some((Revision(revision), Arc::new(credentials))))
    }

    /// Makes the next session to be stored a login's at `provider`, which keeps nothing of the one
    /// before: it may be another person's.
    pub(crate) fn begin_login(&self, provider: &Provider) {
        let mut record = Value::Map(Vec::new());
        record.put("version", Some(Value::Number(VERSION)));
        record.put("provider", Some(provider.to_value()));
        self.record.replace(to_js(&record));
        self.begins.set(true);
    }
}

impl Store for ProfileStore {
    type Guard = Guard;

    async fn revision(&self) -> Result<Option<Revision>, StoreError> {
        Ok(answered(self.store.revision()).await?.as_string().map(Revision))
    }

    async fn load(&self) -> Result<Option<(Revision, Arc<Credentials>)>, StoreError> {
        self.loaded(&answered(self.store.read()).await?)
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
        let text = {
            let record = self.record.borrow();
            put(&record, "revision", &revision.as_str().into());
            put(&record, "session", &to_js(&session));
            put(&record, "tokens", &to_js(&tokens));
            let text = print(&record);
            put(&record, "tokens", &JsValue::UNDEFINED);
            text
        };
        let expected = expected.map(|expected| expected.0.as_str());
        answered(self.store.save(expected, &revision, &text)).await?;
        self.begins.set(false);
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
