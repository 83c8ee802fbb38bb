//! Core's vectors inside wasm, with the page's own JSON parser: they give the same results there.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::panic, reason = "a test fails by a panic")]

#[path = "../../tests/tests/vectors/contract.rs"]
mod contract;
#[path = "../../tests/tests/vectors/conversation.rs"]
mod conversation;
#[path = "../../tests/tests/vectors/describe.rs"]
mod describe;
#[path = "../../tests/tests/vectors/hostile.rs"]
mod hostile;
#[path = "../../tests/tests/vectors/json.rs"]
mod json;
#[path = "../../tests/tests/vectors/machine.rs"]
mod machine;
#[path = "../../tests/tests/vectors/plain.rs"]
mod plain;
#[path = "../../tests/tests/vectors/runner.rs"]
mod runner;

use astropass_core::Endpoint;
use astropass_core::wire::Value;
use astropass_wasm::parse_json;
use js_sys::{Array, Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

macro_rules! vectors {
    ($($file:ident)*) => {$(
        #[wasm_bindgen_test]
        fn $file() {
            let text = include_bytes!(concat!("../../tests/vectors/", stringify!($file), ".json"));
            let count = runner::run(text, parse_json).unwrap_or_else(|failures| {
                panic!("{} failed:\n\n{}", failures.len(), failures.join("\n\n"))
            });
            assert!(count > 0, "no vectors");
        }
    )*};
}

vectors! {
    account auth_config code credentials device_authorization device_flow discovery domain endpoint
    hostile houston_auth_config houston_create_token houston_workspaces id_token organization_lookup
    pasted_token refresh revocation token userinfo
}

/// `Endpoint` beside the browser's own `URL`: what is accepted means the same to both.
#[wasm_bindgen_test]
fn an_endpoint_is_what_the_browser_reads() {
    let text = include_bytes!("../../tests/fuzz/endpoint-texts.json");
    let texts = parse_json(text).unwrap_or_else(|error| panic!("{error}"));
    let mut accepted = 0;
    for text in texts.as_list().unwrap_or_default().iter().filter_map(Value::as_str) {
        let Ok(endpoint) = Endpoint::parse(text) else { continue };
        // A browser decodes names in Punycode and refuses some; to core they are names as any other.
        if endpoint.host().split('.').any(|label| label.starts_with("xn--")) {
            continue;
        }
        accepted += 1;
        let url = BrowserUrl::parse(text);
        assert_eq!(url.part("href"), endpoint.as_str(), "{text}");
        assert_eq!(url.part("origin"), endpoint.origin(), "{text}");
        assert_eq!(url.part("hostname"), endpoint.host(), "{text}");
        assert_eq!(url.part("pathname"), endpoint.path(), "{text}");
        for part in ["username", "password", "hash"] {
            assert_eq!(url.part(part), "", "{text}");
        }
    }
    assert!(accepted > 50, "{accepted}");
}

struct BrowserUrl(JsValue);

impl BrowserUrl {
    /// Panics where the browser refuses it.
    fn parse(text: &str) -> Self {
        let global = js_sys::global();
        let class = Reflect::get(&global, &"URL".into()).unwrap_or_default();
        let arguments = Array::of1(&text.into());
        let url = Reflect::construct(class.unchecked_ref::<Function>(), &arguments);
        Self(url.unwrap_or_else(|_| panic!("the browser refuses {text:?}")))
    }

    fn part(&self, name: &str) -> String {
        let part = Reflect::get(&self.0, &name.into()).unwrap_or_default();
        part.as_string().unwrap_or_else(|| panic!("a URL has no {name}"))
    }
}
