use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use astropass_core::wire::Value;
use astropass_core::{Cleared, Credentials, Provider, Revision, Store, StoreError, Stored};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

use crate::bindings::{self, Host, database, print, random_name, store_error, text};
use crate::json::{parse_json, to_js};
use crate::task::settled;

/// The version of what is stored.
const VERSION: u64 = 1;

/// One profile's session, where `store.js` keeps it.
///
/// Its text is `{version, revision, session, tokens, provider}`: with the provider, a page needs
/// no discovery to go on.
#[derive(Clone)]
pub(crate) struct ProfileStore {
    store: bindings::Store,
    provider: Rc<RefCell<Option<Value>>>,
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
        Self { store, provider: Rc::default() }
    }

    /// What keeps the database from being used, if anything does; then it is not.
    pub(crate) async fn start(&self, thorough: bool) -> Option<StoreError> {
        let problem = settled(self.store.start(thorough)).await.ok();
        problem.filter(|problem| !problem.is_undefined()).map(|error| store_error(&error))
    }

    /// The provider that the stored session is from.
    pub(crate) async fn provider(&self) -> Result<Option<Provider>, StoreError> {
        let loaded = self.load().await?;
        let provider = self.provider.borrow();
        Ok(loaded.and_then(|_| Provider::from_value(provider.as_ref()?)))
    }

    fn loaded(&self, found: &JsValue) -> Result<Option<(Revision, Arc<Credentials>)>, StoreError> {
        let Some(revision) = text(found, "revision") else { return Ok(None) };
        let corrupt = || StoreError::Corrupt(String::new());
        let mut stored = text(found, "text")
            .and_then(|text| parse_json(Zeroizing::new(text).as_bytes()).ok())
            .ok_or_else(corrupt)?;
        if stored.seconds("version").ok_or_else(corrupt)? > VERSION {
            return Err(StoreError::Newer(String::new()));
        }
        let mut part = |name| Some(std::mem::replace(stored.field_mut(name)?, Value::Null));
        let (Some(session), Some(tokens)) = (part("session"), part("tokens")) else {
            return Err(corrupt());
        };
        *self.provider.borrow_mut() = part("provider");
        let credentials = Credentials::from_stored(Stored { session, tokens })?;
        Ok(Some((Revision(revision), Arc::new(credentials))))
    }

    /// Stores `provider` with every session from now on.
    pub(crate) fn remember(&self, provider: &Provider) {
        *self.provider.borrow_mut() = Some(provider.to_value());
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
        let mut text = Value::Map(Vec::new());
        text.put("version", Some(VERSION));
        text.put("revision", Some(revision.as_str()));
        text.put("session", Some(session));
        text.put("tokens", Some(tokens));
        text.put("provider", self.provider.borrow().clone());
        let text = print(&to_js(&text));
        let expected = expected.map(|expected| expected.0.as_str());
        answered(self.store.save(expected, &revision, &text)).await?;
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
