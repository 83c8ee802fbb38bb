//! The real `ast` against the embedded authorization server.

#![cfg(test)]
#![cfg(unix)]
#![allow(missing_docs)]

mod account;
mod api;
mod browser;
mod clocks;
mod device_faults;
mod doctor;
mod doctor_home;
mod example;
mod gate;
mod interrupt;
mod login;
mod login_ends;
mod logout;
mod memory;
mod neighbours;
mod processes;
mod profile;
mod refresh;
mod settings;
mod settings_login;
mod shell;
mod standard;
mod store;
mod store_faults;
mod terminal;
mod token;
mod whoami;

use std::time::{Duration, SystemTime};

use astropass_tests::ast::{CLIENT, World, eager};
use serde_json::Value;

const NOT_LOGGED_IN: &str = "not logged in. Run 'ast login' to authenticate";
const SESSION_OVER: &str = "session expired or invalid. Run 'ast login' to re-authenticate";

/// The names of an object's fields, in their order.
fn names(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// A time as RFC 3339 in UTC.
fn rfc3339(unix: i64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(unix.unsigned_abs());
    // Sun, 06 Nov 1994 08:49:37 GMT
    let date = httpdate::fmt_http_date(time);
    let [day, month, year, clock] = [5..7, 8..11, 12..16, 17..25].map(|at| &date[at]);
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = months.find(month).unwrap() / 3 + 1;
    format!("{year}-{month:02}-{day}T{clock}Z")
}
