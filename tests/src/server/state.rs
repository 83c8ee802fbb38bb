//! The server without its sockets: a function from a request and a time to an answer.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde_json::Value;

use super::authorization::{Authorization, Code};
use super::fault::{Faults, What};
use super::journal::{Event, Journal};
use super::options::{Options, User};
use super::params::Params;
use super::reply::{Refusal, Reply};
use super::route::{Dialect, Endpoint, route};
use super::token::{CryptoFailed, Mint};
use super::{
    admin, api, authorization, consent, cors, device, metadata, page, revoke, token_endpoint,
    userinfo,
};

/// All the server knows: what it issued, to whom, and what happened.
///
/// It never asks for the time: `now` is the wall-clock time since the Unix epoch, and may jump.
pub struct State {
    pub(super) options: Options,
    pub(super) url: String,
    pub(super) mint: Mint,
    pub(super) devices: HashMap<String, Device>,
    pub(super) logins: HashMap<String, Authorization>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) sessions: HashMap<String, Session>,
    pub(super) refresh_tokens: HashMap<String, RefreshToken>,
    pub(super) access_tokens: HashMap<String, AccessToken>,
    pub(super) faults: Faults,
    pub(super) journal: Journal,
    /// By how much `/_test/advance` has moved the clock; whoever passes `now` adds it.
    pub(super) advanced: Duration,
    /// The time at which the clock was stopped, for whoever passes `now`.
    pub(super) stopped: Option<Duration>,
}

/// An answer, and how it reaches the client.
#[derive(Debug)]
pub struct Answer {
    /// The answer; with `Delivery::Cut` and `Delivery::Never` the client does not see it.
    pub response: Response<Bytes>,
    /// How it is delivered.
    pub delivery: Delivery,
}

/// How an answer reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    Now,
    /// Held back for this long.
    After(Duration),
    /// Not at all, with the connection left open.
    Never,
    /// Not at all, with the connection closed.
    Cut,
    /// The head at once, then a body without end.
    Endless,
    /// The head at once, then a byte at a time this far apart.
    Slow(Duration),
}

/// A device code, from the request to its use.
pub(super) struct Device {
    pub(super) client: String,
    pub(super) dialect: Dialect,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
    pub(super) user_code: String,
    pub(super) expires_at: Duration,
    pub(super) interval: Duration,
    pub(super) last_poll: Option<Duration>,
    pub(super) decision: Decision,
}

pub(super) enum Decision {
    Pending,
    Approved { user: User, organization: Option<String> },
    Denied,
    Redeemed,
}

/// What one login started: a family of refresh tokens and the access tokens from it.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) client: String,
    pub(super) dialect: Dialect,
    pub(super) user: User,
    pub(super) organization: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
    pub(super) began: Duration,
    pub(super) revoked: bool,
}

pub(super) struct RefreshToken {
    pub(super) session: String,
    pub(super) expires_at: Duration,
    pub(super) used: Option<Used>,
}

/// The first use of a rotated refresh token.
pub(super) struct Used {
    pub(super) at: Duration,
    pub(super) answer: Value,
    pub(super) successor: String,
}

pub(super) struct AccessToken {
    pub(super) session: String,
    pub(super) organization: Option<String>,
    pub(super) expires_at: Duration,
}

/// A request with what every handler wants to know about it.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request<Bytes>,
    pub(super) endpoint: Endpoint,
    pub(super) dialect: Dialect,
    pub(super) now: Duration,
}

impl State {
    /// A server that will be reached at `url`, such as `http://127.0.0.1:8080`.
    pub fn new(options: Options, url: &str) -> Result<Self, CryptoFailed> {
        let mut faults = Faults::default();
        options.faults.iter().cloned().for_each(|fault| faults.push(fault));
        Ok(Self {
            options,
            url: url.to_owned(),
            mint: Mint::new()?,
            devices: HashMap::new(),
            logins: HashMap::new(),
            codes: HashMap::new(),
            sessions: HashMap::new(),
            refresh_tokens: HashMap::new(),
            access_tokens: HashMap::new(),
            faults,
            journal: Journal::default(),
            advanced: Duration::ZERO,
            stopped: None,
        })
    }

    /// Answers one request at `now`, faults included.
    pub fn handle(&mut self, request: &Request<Bytes>, now: Duration) -> Answer {
        let (endpoint, dialect) = route(request.uri().path(), &self.options.issuer_path);
        let call = Call { request, endpoint, dialect, now };
        let params = self.body_params(&call).unwrap_or_default();
        let fault = match endpoint {
            Endpoint::Admin => None,
            // A fault for the second request must not hit the first one's preflight.
            _ if cors::is_preflight(&call, &self.options.cors) => None,
            _ => self.faults.strike(endpoint, params.optional("grant_type")),
        };
        let (mut reply, delivery) = self.faulted(&call, fault.as_ref());
        if !endpoint.is_for_people() && endpoint != Endpoint::Admin {
            reply = cors::allow(reply, request, &self.options.cors);
        }
        if endpoint != Endpoint::Admin {
            self.journal.push(Event::new(&call, &reply, &params, fault.is_some()));
        }
        let skew = match fault {
            Some(What::DateSkew(skew)) => skew,
            _ => self.options.date_skew,
        };
        let mut response = reply.response;
        if let Ok(date) = HeaderValue::from_str(&http_date(now, skew)) {
            response.headers_mut().insert(DATE, date);
        }
        Answer { response, delivery }
    }

    /// The parameters in the body of a POST, for handlers, faults and the journal alike.
    pub(super) fn body_params(&self, call: &Call<'_>) -> Result<Params, Refusal> {
        match (call.endpoint, call.dialect) {
            (Endpoint::DeviceAuthorization | Endpoint::Token, Dialect::Workos) => {
                Params::workos(call.request, self.options.workos_bodies)
            }
            _ => Params::form(call.request),
        }
    }

    fn faulted(&mut self, call: &Call<'_>, fault: Option<&What>) -> (Reply, Delivery) {
        let status = |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
        let ready = |reply: Reply| (reply.outcome("fault"), Delivery::Now);
        match fault {
            None | Some(What::DateSkew(_)) => (self.process(call), Delivery::Now),
            Some(What::Delay(time)) => (self.process(call), Delivery::After(*time)),
            Some(What::CutAfterProcessing) => (self.process(call), Delivery::Cut),
            Some(What::SlowBytes(gap)) => (self.process(call), Delivery::Slow(*gap)),
            Some(What::SlowDown) => (device::slow_down(self, call).into_reply(), Delivery::Now),
            Some(What::Hang) => (Reply::empty(StatusCode::OK).outcome("fault"), Delivery::Never),
            Some(What::CutBeforeProcessing) => {
                (Reply::empty(StatusCode::OK).outcome("fault"), Delivery::Cut)
            }
            Some(What::EndlessBody) => {
                let reply = Reply::new(StatusCode::OK, "application/json", "");
                (reply.outcome("fault"), Delivery::Endless)
            }
            Some(What::Status(code, retry_after)) => {
                let reply = Reply::empty(status(*code));
                ready(match retry_after {
                    Some(after) => reply.header(http::header::RETRY_AFTER, &after.to_string()),
                    None => reply,
                })
            }
            Some(What::Html(code)) => {
                let status = status(*code);
                let page = format!("<!doctype html><title>{status}</title><h1>{status}</h1>");
                ready(Reply::new(status, "text/html; charset=utf-8", page))
            }
            Some(What::RawBody { status: code, content_type, body }) => {
                ready(Reply::new(status(*code), content_type, body.clone()))
            }
            Some(What::Redirect(url)) => {
                ready(Reply::redirect(StatusCode::TEMPORARY_REDIRECT, url))
            }
        }
    }

    fn process(&mut self, call: &Call<'_>) -> Reply {
        if cors::is_preflight(call, &self.options.cors) {
            return cors::preflight();
        }
        let methods = call.endpoint.methods();
        let reply = if methods.contains(call.request.method()) {
            self.dispatch(call)
        } else {
            Err(Refusal::MethodNotAllowed(methods))
        };
        reply.unwrap_or_else(Refusal::into_reply)
    }

    fn dispatch(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        match call.endpoint {
            Endpoint::OauthMetadata => metadata::oauth(self),
            Endpoint::OpenidConfiguration => metadata::openid(self),
            Endpoint::Jwks => metadata::jwks(self, call),
            Endpoint::DeviceAuthorization => device::authorize(self, call),
            Endpoint::Authorization if call.request.method() == Method::POST => {
                consent::decide(self, call)
            }
            Endpoint::Authorization => authorization::authorize(self, call),
            Endpoint::Token => token_endpoint::token(self, call),
            Endpoint::Revocation => revoke::revoke(self, call),
            Endpoint::Logout => revoke::logout(self, call),
            Endpoint::Userinfo => userinfo::userinfo(self, call),
            Endpoint::Me => api::me(self, call),
            Endpoint::Projects => api::projects(self, call),
            Endpoint::Echo => api::echo(self, call),
            Endpoint::Verification if call.request.method() == Method::POST => {
                page::decide(self, call)
            }
            Endpoint::Verification => page::show(self, call),
            Endpoint::Admin if self.options.admin => admin::admin(self, call),
            Endpoint::Admin | Endpoint::Unknown => Err(Refusal::NotFound),
        }
    }

    pub(super) fn issuer(&self) -> String {
        format!("{}{}", self.url, self.options.issuer_path)
    }
}

fn http_date(now: Duration, skew: i64) -> String {
    let seconds = now.as_secs().saturating_add_signed(skew);
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
}
