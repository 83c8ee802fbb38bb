//! astropass in a browser, for the npm package `astropass` to build on.
//!
//! Adapters only: requests by `fetch`, storage in IndexedDB, locks by the Web Locks API, and the
//! clocks, timers and random bytes of the page. Every rule is core's.
//!
//! What is stored is encrypted with a key that scripts can use but not read. That protects from
//! somebody who copies the profile's files, and not from a script that runs in the page: it can use
//! the key, and ask for the token, as the page itself does.

mod bindings;
mod code;
mod failure;
mod http;
mod json;
mod runtime;
mod session;
mod store;
mod task;
mod waiting;

pub use json::parse_json;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
