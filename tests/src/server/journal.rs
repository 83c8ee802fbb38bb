//! What happened, for assertions.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::params::{Params, media_type};
use super::reply::Reply;
use super::route::{Dialect, Endpoint};
use super::state::Call;

/// One request and how it ended. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The server's time, since the Unix epoch.
    pub at: Duration,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Whose conventions it followed.
    pub dialect: Dialect,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The media type of the request's body.
    pub media_type: Option<String>,
    /// The body's parameters, with `<redacted>` for every value that may be a secret.
    pub params: BTreeMap<String, String>,
    /// Whether there was an `Authorization` header.
    pub authorization: bool,
    /// The `Origin` header.
    pub origin: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// `ok`, a word for what happened (`signed_in`, `refreshed`, `replayed`, `revoked`,
    /// `signed_out`, `approved`, `denied`, `preflight`), `reuse`, an OAuth error code, or `fault`
    /// for a request that was not processed.
    pub outcome: String,
    /// The session (`sid`) it was about.
    pub session: Option<String>,
    /// Whether a fault was applied.
    pub fault: bool,
}

impl Event {
    pub(super) fn new(call: &Call<'_>, reply: &Reply, params: &Params, fault: bool) -> Self {
        let headers = call.request.headers();
        let origin = headers.get(http::header::ORIGIN).and_then(|value| value.to_str().ok());
        Self {
            at: call.now,
            endpoint: call.endpoint,
            dialect: call.dialect,
            method: call.request.method().to_string(),
            path: call.request.uri().path().to_owned(),
            media_type: media_type(call.request).map(str::to_owned),
            params: params.redacted(),
            authorization: headers.contains_key(AUTHORIZATION),
            origin: origin.map(str::to_owned),
            status: reply.response.status().as_u16(),
            outcome: reply.outcome.clone(),
            session: reply.session.clone(),
            fault,
        }
    }

    /// The event as `/_test/journal` shows it; `at` in seconds.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "at": self.at.as_secs_f64(),
            "endpoint": self.endpoint.name(),
            "method": self.method,
            "path": self.path,
            "media_type": self.media_type,
            "params": self.params,
            "authorization": self.authorization,
            "origin": self.origin,
            "status": self.status,
            "outcome": self.outcome,
            "session": self.session,
            "fault": self.fault,
        })
    }
}

/// How often things happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests per endpoint, faulted ones included, CORS preflights not.
    pub requests: BTreeMap<Endpoint, u32>,
    /// Device codes issued.
    pub device_codes: u32,
    /// Polls, whatever the answer.
    pub polls: u32,
    /// Polls answered with `slow_down`.
    pub slow_downs: u32,
    /// Codes of either kind exchanged for tokens.
    pub sign_ins: u32,
    /// Successful refreshes, replays not counted.
    pub refreshes: u32,
    /// Replays answered again within the grace period.
    pub replays: u32,
    /// Replays beyond it; with reuse detection each ended a session.
    pub reuses: u32,
    /// Successful revocations, unknown tokens included.
    pub revocations: u32,
    /// Sessions ended at the logout endpoint.
    pub sign_outs: u32,
    /// API and userinfo requests refused with 401.
    pub unauthorized: u32,
}

impl Stats {
    fn count(&mut self, event: &Event) {
        if event.outcome == "preflight" {
            return;
        }
        *self.requests.entry(event.endpoint).or_default() += 1;
        let grant = event.params.get("grant_type").map(String::as_str);
        if event.endpoint == Endpoint::Token && grant == Some(super::DEVICE_CODE_GRANT) {
            self.polls += 1;
        }
        let counter = match (event.endpoint, event.outcome.as_str()) {
            (Endpoint::DeviceAuthorization, "ok") => &mut self.device_codes,
            (Endpoint::Token, "slow_down") => &mut self.slow_downs,
            (Endpoint::Token, "signed_in") => &mut self.sign_ins,
            (Endpoint::Token, "refreshed") => &mut self.refreshes,
            (Endpoint::Token, "replayed") => &mut self.replays,
            (Endpoint::Token, "reuse") => &mut self.reuses,
            (Endpoint::Revocation, "revoked") => &mut self.revocations,
            (Endpoint::Logout, "signed_out") => &mut self.sign_outs,
            _ if event.status == 401 => &mut self.unauthorized,
            _ => return,
        };
        *counter += 1;
    }

    /// The statistics as `/_test/stats` shows them.
    pub(super) fn to_json(&self) -> Value {
        let requests: BTreeMap<_, _> =
            self.requests.iter().map(|(endpoint, count)| (endpoint.name(), count)).collect();
        json!({
            "requests": requests,
            "device_codes": self.device_codes,
            "polls": self.polls,
            "slow_downs": self.slow_downs,
            "sign_ins": self.sign_ins,
            "refreshes": self.refreshes,
            "replays": self.replays,
            "reuses": self.reuses,
            "revocations": self.revocations,
            "sign_outs": self.sign_outs,
            "unauthorized": self.unauthorized,
        })
    }
}

/// Events, their counts, and every token.
#[derive(Default)]
pub(super) struct Journal {
    pub(super) events: Vec<Event>,
    pub(super) stats: Stats,
    /// Every secret ever issued: both kinds of codes, access, refresh and ID tokens.
    pub(super) issued: Vec<String>,
}

impl Journal {
    pub(super) fn push(&mut self, event: Event) {
        self.stats.count(&event);
        self.events.push(event);
    }
}
