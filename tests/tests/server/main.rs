//! The embedded server, spoken to over HTTP.

#![cfg(test)]
#![allow(missing_docs)]

mod authorization;
mod device;
mod faults;
mod metadata;
mod page;
mod program;
mod refresh;
mod workos;

use std::time::Duration;

use astropass_tests::client::{Call, Reply, get, post};
use astropass_tests::server::{Approval, Options, Server};
use serde_json::Value;

const CLIENT: &str = "client_test";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SECOND: Duration = Duration::from_secs(1);

/// A server whose polls need not wait.
fn eager() -> Options {
    Options { interval: Some(Duration::ZERO), ..Options::default() }
}

/// A server whose time passes only where a test says so.
fn start(options: Options) -> Server {
    let server = Server::start(options).unwrap();
    server.stop_clock();
    server
}

fn device_request(server: &Server, scope: &str) -> Call {
    let url = format!("{}/device_authorization", server.issuer());
    post(&url).form([("client_id", CLIENT), ("scope", scope)])
}

fn poll(server: &Server, device_code: &str) -> Call {
    let fields =
        [("grant_type", DEVICE_GRANT), ("device_code", device_code), ("client_id", CLIENT)];
    post(&format!("{}/token", server.issuer())).form(fields)
}

fn refresh(server: &Server, refresh_token: &str) -> Call {
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", CLIENT)];
    post(&format!("{}/token", server.issuer())).form(fields)
}

fn revoke(server: &Server, token: &str) -> Call {
    post(&format!("{}/revoke", server.issuer())).form([("token", token), ("client_id", CLIENT)])
}

fn me(server: &Server, access_token: &str) -> Reply {
    get(&format!("{}/api/v1/me", server.url())).bearer(access_token).send().unwrap()
}

/// Signs the first user in by the standard device flow.
fn sign_in(server: &Server, scope: &str) -> Value {
    let device = device_request(server, scope).send().unwrap().json();
    server.approve(text(&device, "user_code"), &Approval::default()).unwrap();
    let reply = poll(server, text(&device, "device_code")).send().unwrap();
    assert_eq!(reply.status(), 200, "{}", reply.text());
    reply.json()
}

#[track_caller]
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

#[track_caller]
fn assert_error(call: Call, status: u16, error: &str) {
    let reply = call.send().unwrap();
    assert_eq!((reply.status().as_u16(), &reply.json()["error"]), (status, &Value::from(error)));
}

/// The claims of a JWT, unchecked.
fn claims(jwt: &str) -> Value {
    use base64::Engine;
    let payload = jwt.split('.').nth(1).unwrap();
    let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&payload).unwrap()
}
