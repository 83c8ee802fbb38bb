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

use astropass_wasm::parse_json;
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
