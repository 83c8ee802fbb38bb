use std::sync::{Arc, Mutex};
use std::time::Duration;

use astropass_core::{
    AccessToken, Body, Http, HttpError, HttpErrorKind, Request, Response, Runtime,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::clock::VirtualClock;
use crate::fuzz::Bytes;
use crate::server::CANARY;

/// Seconds that an access token is valid for.
pub(super) const LIFETIME: u64 = 3600;

/// The same user as in the other dialect's `user`.
const CLAIMS: &str = r#"{"iss":"https://op.example","aud":"cli","sub":"user_1",
    "email":"ada@example.com","exp":4102444800}"#;

#[derive(Clone, Default)]
pub(super) struct Server(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    /// The numbers of the refresh token that is valid and of the one before, for each login.
    grants: Vec<(usize, Option<usize>)>,
    /// Whether it has ever ended a session.
    pub(super) ended: bool,
    /// What happens to the next requests.
    pub(super) script: Vec<Next>,
    /// Whether it has said what no server of its kind would.
    pub(super) is_wild: bool,
    pub(super) requests: usize,
    /// When each access token was issued.
    times: Vec<astropass_core::Instant>,
    pub(super) clock: Option<VirtualClock>,
}

pub(super) enum Next {
    NotSent(HttpErrorKind),
    Lost(HttpErrorKind),
    Answer(u16, Vec<u8>),
    Slow(Duration),
    End,
}

impl State {
    pub(super) fn issued(&self, token: &AccessToken) -> astropass_core::Instant {
        let number: usize = token.expose_secret().rsplit('-').next().unwrap().parse().unwrap();
        self.times[number]
    }

    fn end(&mut self) {
        self.ended = true;
        self.grants.clear();
    }

    /// Tokens with a number that no others have.
    fn new_tokens(&mut self) -> (usize, Response) {
        let number = self.times.len();
        (number, self.tokens(number))
    }

    fn tokens(&mut self, number: usize) -> Response {
        let now = self.clock.as_ref().unwrap().now();
        self.times.resize(self.times.len().max(number + 1), now);
        // An answer that is repeated is as good as new.
        self.times[number] = now;
        let body = format!(
            r#"{{"access_token":"access-{CANARY}-{number}","refresh_token":"refresh-{CANARY}-{number}",
            "expires_in":{LIFETIME},"user":{{"id":"user_1","email":"ada@example.com"}},
            "id_token":"e30.{}.c2ln"}}"#,
            BASE64_URL_SAFE_NO_PAD.encode(CLAIMS)
        );
        response(200, body.into_bytes())
    }
}

impl Server {
    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// What happens to the next requests, as the bytes say.
    pub(super) fn script(&self, bytes: &mut Bytes<'_>) {
        use HttpErrorKind::{Certificate, Connect, Interrupted, Timeout, TooLarge};
        let mut state = self.state();
        for _ in 0..=bytes.next() % 4 {
            let next = match bytes.next() % 8 {
                0 => Next::NotSent(bytes.choose(&[Connect, Certificate, Timeout, Interrupted])),
                1 | 2 => Next::Lost(bytes.choose(&[Timeout, Interrupted, TooLarge])),
                3 => Next::Answer(bytes.choose(&[429, 500, 503]), Vec::new()),
                4 => Next::Answer(bytes.choose(&[200, 302, 403]), b"<html>".to_vec()),
                5 => Next::Slow(Duration::from_secs(bytes.next().into())),
                6 => Next::End,
                _ => {
                    state.is_wild = true;
                    let status = bytes.choose(&[200, 400, 401, 404]);
                    Next::Answer(status, bytes.until_zero().to_vec())
                }
            };
            state.script.insert(0, next);
        }
    }

    fn act(&self, request: &Request) -> Response {
        let mut state = self.state();
        let sent = match &request.body {
            Body::Form(form) => form.expose_secret().to_owned(),
            Body::Json(fields) => match fields.string("refresh_token") {
                Some(token) => format!("refresh_token={token}&"),
                None => String::new(),
            },
            _ => String::new(),
        };
        match request.endpoint.path() {
            "/device" => response(
                200,
                br#"{"device_code":"d","user_code":"A","verification_uri":"https://op.example/",
                "expires_in":300}"#
                    .to_vec(),
            ),
            "/token" if sent.contains("refresh_token=") => {
                let is =
                    |number| sent.contains(&format!("refresh_token=refresh-{CANARY}-{number}&"));
                let known = state
                    .grants
                    .iter()
                    .position(|(current, before)| is(*current) || before.is_some_and(is));
                let Some(grant) = known else {
                    state.ended = true;
                    return response(400, br#"{"error":"invalid_grant"}"#.to_vec());
                };
                let (current, _) = state.grants[grant];
                if !is(current) {
                    return state.tokens(current);
                }
                let (number, tokens) = state.new_tokens();
                state.grants[grant] = (number, Some(current));
                tokens
            }
            "/token" => {
                let (number, tokens) = state.new_tokens();
                state.grants.push((number, None));
                tokens
            }
            _ => response(200, Vec::new()),
        }
    }
}

impl Http for Server {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let (next, clock) = {
            let mut state = self.state();
            state.requests += 1;
            (state.script.pop(), state.clock.clone().unwrap())
        };
        let failed = |kind| {
            if kind == HttpErrorKind::Timeout {
                clock.pass(request.timeout);
            }
            Err(HttpError { kind, detail: String::new() })
        };
        match next {
            Some(Next::NotSent(kind)) => return failed(kind),
            Some(Next::Lost(kind)) => {
                let _ = self.act(&request);
                return failed(kind);
            }
            Some(Next::Answer(status, body)) => return Ok(response(status, body)),
            Some(Next::Slow(time)) => clock.pass(time.min(request.timeout)),
            Some(Next::End) => self.state().end(),
            None => {}
        }
        Ok(self.act(&request))
    }
}

fn response(status: u16, body: Vec<u8>) -> Response {
    Response { status, headers: Vec::new(), date: None, retry_after: 0, body: body.into() }
}
