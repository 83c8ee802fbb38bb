//! The servers that `astro` signs in to, which are as the originals are said to be.

mod api;
mod domains;
mod houston;
mod login;
mod person;
mod session;

use std::sync::LazyLock;

use astropass_tests::client::{self, Call};
use astropass_tests::foreign::Foreign;
use serde_json::{Value, json};

/// For tests that change nothing that another one could see.
static SHARED: LazyLock<Foreign> = LazyLock::new(|| Foreign::astro(&json!({})).unwrap());

/// The answer's status and JSON.
fn answer(call: Call) -> (u16, Value) {
    let reply = call.send().unwrap();
    (reply.status().as_u16(), reply.json())
}

fn get(server: &Foreign, name: &str, path: &str) -> Call {
    client::get(&format!("{}{path}", server.fact(name)))
}

/// What came last to a path.
#[track_caller]
fn last_request(server: &Foreign, name: &str, path: &str) -> Value {
    let requests = server.requests(name).unwrap();
    let last = requests.into_iter().rfind(|request| request["path"] == path);
    last.unwrap_or_else(|| panic!("nothing came to {path}"))
}

/// A signature does not matter to what it says.
fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&payload).unwrap()
}
