use std::time::Duration;

use astropass_core::{Dialect, HttpErrorKind};

use super::Bytes;
use crate::machine::{CANARY, DIALECTS, Driver, Event, KINDS, Kind, Reply, Said, machine};

const STATUSES: [u16; 12] = [200, 400, 401, 403, 404, 429, 500, 201, 204, 302, 0, 999];
const ERRORS: [&str; 8] = [
    "access_denied",
    "expired_token",
    "invalid_grant",
    "invalid_client",
    "mfa_enrollment",
    "sso_required",
    "authorization_pending",
    "something_else",
];
const LOST: [HttpErrorKind; 7] = [
    HttpErrorKind::Connect,
    HttpErrorKind::Certificate,
    HttpErrorKind::Timeout,
    HttpErrorKind::Interrupted,
    HttpErrorKind::Hidden,
    HttpErrorKind::TooLarge,
    HttpErrorKind::Invalid,
];

/// Whether a body may be anything: one that has the mark of secrets in its own words would be taken
/// for a leak, also where these are capitals, escaped or interrupted, which is all taken out of them.
fn is_fair(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data).to_lowercase();
    let mut parts = text.split("\\u00");
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escaped = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        words.extend(escaped.map(char::from));
        words.push_str(escaped.and_then(|_| part.get(2..)).unwrap_or(part));
    }
    words.retain(|letter| letter.is_ascii_alphanumeric());
    !words.contains(CANARY)
}

/// A device authorization response.
pub fn device_authorization(data: &[u8]) {
    bodies(&[Kind::Device], data);
}

/// A token response: to a poll, a code or a refresh.
pub fn token(data: &[u8]) {
    if !is_fair(data) {
        return;
    }
    let mut bytes = Bytes(data);
    let kind = bytes.choose(&[Kind::Device, Kind::Code, Kind::Refresh, Kind::Revoke]);
    let dialect = bytes.choose(&DIALECTS);
    let Some(machine) = machine(kind, dialect) else { return };
    let mut driver = Driver::new(machine);
    driver.take(Event::Tick);
    if kind == Kind::Device {
        driver.take(Event::Reply(Said::plain(Reply::Start { interval: None, expires_in: 60 })));
        driver.take(Event::Tick);
        driver.take(Event::PassWait);
        driver.take(Event::Tick);
    }
    let status = bytes.choose(&STATUSES);
    driver.take(Event::Reply(Said::plain(Reply::Raw(status, bytes.0.to_vec()))));
}

/// Metadata, each document of it.
pub fn discovery(data: &[u8]) {
    bodies(&[Kind::Discover], data);
}

/// Userinfo, also for a token that was pasted.
pub fn userinfo(data: &[u8]) {
    bodies(&[Kind::Userinfo, Kind::PastedToken], data);
}

/// What Astro cloud answers.
pub fn astro(data: &[u8]) {
    bodies(&[Kind::AuthConfig, Kind::OrganizationLookup, Kind::Account], data);
}

/// What Astronomer Software answers.
pub fn houston(data: &[u8]) {
    bodies(&[Kind::HoustonAuthConfig, Kind::HoustonCreateToken, Kind::HoustonWorkspaces], data);
}

/// A machine of one of `kinds`, and bodies with a zero between them.
fn bodies(kinds: &[Kind], data: &[u8]) {
    if !is_fair(data) {
        return;
    }
    let mut bytes = Bytes(data);
    let kind = bytes.choose(kinds);
    let dialect =
        if kind == Kind::PastedToken { bytes.choose(&DIALECTS) } else { Dialect::Standard };
    let Some(machine) = machine(kind, dialect) else { return };
    let mut driver = Driver::new(machine);
    while !bytes.is_empty() {
        driver.take(Event::PassWait);
        driver.take(Event::Tick);
        let status = bytes.choose(&STATUSES);
        driver.take(Event::Reply(Said {
            reply: Reply::Raw(status, bytes.until_zero().to_vec()),
            retry_after: None,
            date: Some(1_800_000_000),
        }));
    }
}

/// Any machine, and all that can happen to it, in any order.
pub fn conversation(data: &[u8]) {
    if !is_fair(data) {
        return;
    }
    let mut bytes = Bytes(data);
    let kind = bytes.choose(&KINDS);
    let dialect = bytes.choose(&DIALECTS);
    let Some(machine) = machine(kind, dialect) else { return };
    let mut driver = Driver::new(machine);
    for _ in 0..200 {
        if bytes.is_empty() {
            return;
        }
        let event = event(&mut bytes);
        driver.take(event);
    }
}

fn event(bytes: &mut Bytes<'_>) -> Event {
    match bytes.next() % 8 {
        0 => Event::Pass(u64::from(bytes.next()) * 100),
        1 => Event::Pass(1 << (bytes.next() % 64)),
        2 => Event::PassWait,
        3 | 4 => Event::Tick,
        _ => Event::Reply(said(bytes)),
    }
}

fn said(bytes: &mut Bytes<'_>) -> Said {
    let reply = match bytes.next() % 13 {
        0 => Reply::Start { interval: Some(bytes.next().into()), expires_in: 300 },
        1 => Reply::Start { interval: None, expires_in: u64::from(bytes.next()) * 20 },
        2 => Reply::Pending,
        3 => Reply::SlowDown,
        4 => Reply::Tokens,
        5 => Reply::IdToken,
        6 => Reply::User,
        7 => Reply::Metadata,
        8 => Reply::Refused(bytes.choose(&STATUSES), bytes.choose(&ERRORS)),
        9 => Reply::Page(bytes.choose(&STATUSES)),
        10 => Reply::Lost(bytes.choose(&LOST)),
        _ => Reply::Raw(bytes.choose(&STATUSES), bytes.until_zero().to_vec()),
    };
    let retry_after = match bytes.next() % 8 {
        0 => Some(Duration::from_secs(bytes.next().into())),
        1 => Some(Duration::MAX),
        _ => None,
    };
    let date = match bytes.next() % 8 {
        0 => Some(bytes.choose(&[i64::MIN, i64::MAX, 0, 1_900_000_000])),
        _ => None,
    };
    Said { reply, retry_after, date }
}
