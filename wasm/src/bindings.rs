//! The JavaScript beside this crate, and what the npm package hands in.

use astropass_core::{HttpError, HttpErrorKind, StoreError};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

// Nothing here throws: to catch it costs more than to give a value for it.
#[wasm_bindgen(module = "/js/page.js")]
extern "C" {
    pub(crate) fn now() -> f64;
    pub(crate) fn sleep(millis: f64) -> Promise;
    pub(crate) fn kind(value: &JsValue) -> u32;
    pub(crate) fn parse(text: &[u8]) -> JsValue;
    pub(crate) fn print(value: &JsValue) -> JsValue;
    pub(crate) fn property(value: &JsValue, name: &str) -> JsValue;
    pub(crate) fn put(object: &JsValue, name: &str, value: &JsValue);
    pub(crate) fn call(function: &JsValue, value: &JsValue);
    #[wasm_bindgen(js_name = randomName)]
    pub(crate) fn random_name() -> String;
}

#[wasm_bindgen(module = "/js/http.js")]
extern "C" {
    pub(crate) fn exchange(
        fetch: &JsValue,
        url: &str,
        request: &JsValue,
        millis: f64,
        max_body: f64,
    ) -> Promise;
}

#[wasm_bindgen(module = "/js/database.js")]
extern "C" {
    pub(crate) fn database() -> JsValue;
}

#[wasm_bindgen(module = "/js/store.js")]
extern "C" {
    #[derive(Clone)]
    pub(crate) type Store;
    #[wasm_bindgen(constructor)]
    pub(crate) fn new(key: &str, database: &JsValue, storage: &JsValue) -> Store;
    #[wasm_bindgen(method)]
    pub(crate) fn start(this: &Store, thorough: bool) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn revision(this: &Store) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn read(this: &Store) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn probe(this: &Store) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn save(
        this: &Store,
        expected: Option<&str>,
        revision: &str,
        text: &JsValue,
    ) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn clear(this: &Store, expected: &str) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn lock(this: &Store, millis: f64) -> ProfileLock;

    pub(crate) type ProfileLock;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn granted(this: &ProfileLock) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn release(this: &ProfileLock);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    pub(crate) fn fill_random(bytes: &mut [u8]);

    /// `{fetch, storage, emit}`: what to send requests with, where to keep the session (a name, or
    /// an object of the caller's), and who is told of events.
    #[derive(Clone)]
    pub(crate) type Host;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn fetch(this: &Host) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn storage(this: &Host) -> JsValue;
    #[wasm_bindgen(method)]
    pub(crate) fn emit(this: &Host, event: &str, error: JsValue);
}

/// The property `name`, if it is a string.
pub(crate) fn text(value: &JsValue, name: &str) -> Option<String> {
    property(value, name).as_string()
}

/// `Failure` of `page.js`: its kind and its detail. What else is thrown may say too much.
fn failure(thrown: &JsValue) -> (String, String) {
    let kind = text(thrown, "kind").unwrap_or_default();
    let detail = text(thrown, "message").filter(|_| !kind.is_empty()).unwrap_or_default();
    (kind, detail)
}

pub(crate) fn http_error(thrown: &JsValue) -> HttpError {
    let (kind, detail) = failure(thrown);
    let kind = match kind.as_str() {
        "hidden" => HttpErrorKind::Hidden,
        "offline" => HttpErrorKind::Connect,
        "timeout" => HttpErrorKind::Timeout,
        "tooLarge" => HttpErrorKind::TooLarge,
        _ => HttpErrorKind::Interrupted,
    };
    HttpError { kind, detail }
}

pub(crate) fn store_error(thrown: &JsValue) -> StoreError {
    let (kind, detail) = failure(thrown);
    match kind.as_str() {
        "busy" => StoreError::Busy,
        "changed" => StoreError::Changed,
        "corrupt" => StoreError::Corrupt(detail),
        "denied" => StoreError::Denied(detail),
        "io" => StoreError::Io(detail),
        "newer" => StoreError::Newer(detail),
        _ => StoreError::Unavailable(detail),
    }
}
