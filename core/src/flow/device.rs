use std::sync::Arc;
use std::time::Duration;

use super::{Action, Flow, Input, token};
use crate::error::is_unprintable;
use crate::wire::ParseJson;
use crate::{
    Endpoint, Error, Grant, HttpError, HttpErrorKind, Instant, Provider, Request, Response, Secret,
    ServerError,
};

/// The device authorization flow (RFC 8628).
///
/// ```text
/// Start ─send→ Starting ─response, show→ Waiting ─due, send→ Polling ─tokens→ Ended
///                                          ↑  └─expired→ Ended   │└─refused→ Ended
///                                          └─pending, slow_down, ┘
///                                            no answer, 429, 5xx, HTML
/// ```
#[derive(Debug)]
pub struct Device {
    provider: Arc<Provider>,
    parse: ParseJson,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    Starting,
    Waiting(Box<Pending>, Instant),
    Polling(Box<Pending>),
    Ended,
}

/// What the user is to be shown (RFC 8628 §3.3). The device code is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The code to compare and, without the complete URI, to type.
    pub user_code: String,
    /// Where to type it.
    pub verification_uri: Endpoint,
    /// The same with the code filled in, for opening and for a QR code.
    pub verification_uri_complete: Option<Endpoint>,
    /// When the login must be approved by.
    pub expires_at: Instant,
    /// Time left from the moment the codes came.
    pub expires_in: Duration,
    /// Time between polls.
    pub interval: Duration,
}

#[derive(Debug)]
struct Pending {
    device_code: Secret,
    expires_at: Instant,
    /// Seconds between polls
    interval: u64,
    /// Polls in a row that had no usable answer.
    failures: u32,
}

/// RFC 8628 §3.2: "If no value is provided, clients MUST use 5 as the default."
const DEFAULT_INTERVAL: u64 = 5;
/// RFC 8628 §3.5: what each `slow_down` adds.
const SLOW_DOWN: u64 = 5;
/// The longest pause that back-off alone can reach, but for an interval that is longer by itself.
const MAX_BACKOFF: u64 = 60;
/// The longest login; a server that names more is not believed.
const MAX_LOGIN: u64 = 3600;

impl Device {
    /// A login at `provider`.
    pub fn new(provider: impl Into<Arc<Provider>>, parse: ParseJson) -> Self {
        Self { provider: provider.into(), parse, state: State::Start }
    }

    /// Reads the device authorization response (RFC 8628 §3.2).
    fn started(
        &self,
        response: &Response,
        now: Instant,
    ) -> Result<(Box<Prompt>, Box<Pending>), Error> {
        const OF: &str = "device authorization response";
        if response.status != 200 {
            return Err(Error::from_response(OF, response, self.parse, &[]));
        }
        let malformed = |problem| Error::malformed(OF, problem, 200);
        let mut body = (self.parse)(&response.body).map_err(|_| malformed("it is not JSON"))?;
        let device_code = body
            .take_string("device_code")
            .filter(|code| !code.is_empty())
            .ok_or_else(|| malformed("it has no device_code"))?;
        let user_code = body.string("user_code").ok_or_else(|| malformed("it has no user_code"))?;
        if user_code.is_empty() || user_code.len() > 64 || user_code.chars().any(is_unprintable) {
            return Err(malformed("its user_code cannot be shown"));
        }
        // Google calls it verification_url, as drafts of the RFC did.
        let verification_uri = body
            .string("verification_uri")
            .or_else(|| body.string("verification_url"))
            .ok_or_else(|| malformed("it has no verification_uri"))?;
        let verification_uri = Endpoint::parse(verification_uri)
            .map_err(|_| malformed("its verification_uri is not safe to open"))?;
        // Only a convenience: without it the user types the code.
        let verification_uri_complete =
            body.string("verification_uri_complete").and_then(|uri| Endpoint::parse(uri).ok());
        let expires_in =
            body.seconds("expires_in").ok_or_else(|| malformed("it has no expires_in"))?;
        let expires_in = Duration::from_secs(expires_in.min(MAX_LOGIN));
        // Zero would be a loop without a pause.
        let interval = body.seconds("interval").unwrap_or(DEFAULT_INTERVAL).clamp(1, MAX_LOGIN);
        let expires_at = now + expires_in;
        let prompt = Box::new(Prompt {
            user_code: user_code.to_owned(),
            verification_uri,
            verification_uri_complete,
            expires_at,
            expires_in,
            interval: Duration::from_secs(interval),
        });
        let device_code = Secret::new(device_code);
        Ok((prompt, Box::new(Pending { device_code, expires_at, interval, failures: 0 })))
    }

    fn poll(&self, pending: &Pending, now: Instant) -> Result<Box<Request>, Error> {
        let mut request = self.provider.token_request(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", pending.device_code.expose_secret()),
        ])?;
        let left = pending.expires_at.since(now);
        request.timeout = request.timeout.min(left.max(Duration::from_secs(1)));
        Ok(request)
    }

    /// Reads the answer to a poll (RFC 8628 §3.5).
    fn polled(
        &self,
        pending: &mut Pending,
        response: Result<Box<Response>, HttpError>,
        now: Instant,
    ) -> Result<Step, Error> {
        let response = match response {
            Err(error) if error.kind == HttpErrorKind::Invalid => return Err(error.into()),
            Err(_) => return Ok(Step::Wait(pending.retried(0, now))),
            Ok(response) => response,
        };
        let body = (self.parse)(&response.body);
        let sent = &[&pending.device_code];
        let refused =
            body.as_ref().ok().and_then(|body| ServerError::from_body(body, response.status, sent));
        match refused.as_ref().map(|error| error.code.as_str()) {
            Some("authorization_pending") => {
                pending.failures = 0;
                Ok(Step::Wait(pending.next_poll(response.retry_after, now)))
            }
            Some("slow_down") => {
                pending.failures = 0;
                pending.interval += SLOW_DOWN;
                Ok(Step::Wait(pending.next_poll(response.retry_after, now)))
            }
            _ if response.status == 429 || response.status >= 500 => {
                Ok(Step::Wait(pending.retried(response.retry_after, now)))
            }
            Some("access_denied") => Err(Error::AccessDenied(refused)),
            Some("expired_token") => Err(Error::LoginExpired),
            None if body.is_err() && !response.body.is_empty() => {
                // Not from the token endpoint: a proxy's or a captive portal's page.
                Ok(Step::Wait(pending.retried(response.retry_after, now)))
            }
            None if response.status == 200 => {
                token::grant(&self.provider, &response, self.parse).map(Step::Done)
            }
            _ => Err(Error::from_response("token response", &response, self.parse, sent)),
        }
    }
}

enum Step {
    Wait(Instant),
    Done(Box<Grant>),
}

impl Pending {
    /// When to poll again after no usable answer: RFC 8628 §3.5 asks for exponential back-off.
    fn retried(&mut self, retry_after: u32, now: Instant) -> Instant {
        self.failures += 1;
        self.next_poll(retry_after, now)
    }

    fn next_poll(&self, retry_after: u32, now: Instant) -> Instant {
        let pause = self.interval << self.failures.min(6);
        // RFC 8628 §3.5: polls MUST become rarer, so that even the longest interval is doubled.
        let longest = MAX_BACKOFF.max(2 * self.interval);
        now + Duration::from_secs(pause.min(longest).max(retry_after.into()))
    }
}

impl Flow for Device {
    type Output = Box<Grant>;

    fn step(&mut self, input: Input, now: Instant) -> Result<Action<Box<Grant>>, Error> {
        let (state, action) = match (std::mem::replace(&mut self.state, State::Ended), input) {
            (State::Start, Input::Tick) => {
                (State::Starting, Action::Send(self.provider.device_authorization_request()?))
            }
            (State::Starting, Input::Response(response)) => {
                let (prompt, pending) = self.started(&*response?, now)?;
                let poll_at = pending.next_poll(0, now);
                (State::Waiting(pending, poll_at), Action::Show(prompt))
            }
            (State::Waiting(pending, _), Input::Tick) if now >= pending.expires_at => {
                return Err(Error::LoginExpired);
            }
            (State::Waiting(pending, poll_at), Input::Tick) if now < poll_at => {
                let until = poll_at.min(pending.expires_at);
                (State::Waiting(pending, poll_at), Action::WaitUntil(until))
            }
            (State::Waiting(pending, _), Input::Tick) => {
                let request = self.poll(&pending, now)?;
                (State::Polling(pending), Action::Send(request))
            }
            (State::Polling(mut pending), Input::Response(response)) => {
                match self.polled(&mut pending, response, now)? {
                    Step::Done(grant) => (State::Ended, Action::Done(grant)),
                    Step::Wait(poll_at) => {
                        let until = poll_at.min(pending.expires_at);
                        (State::Waiting(pending, poll_at), Action::WaitUntil(until))
                    }
                }
            }
            (state @ (State::Starting | State::Polling(_)), Input::Tick) => {
                (state, Action::AwaitResponse)
            }
            (State::Ended, _) => return Err(Error::Finished),
            (state @ (State::Start | State::Waiting(..)), Input::Response(_)) => {
                self.state = state;
                return Err(Error::UnexpectedResponse);
            }
        };
        self.state = state;
        Ok(action)
    }
}
