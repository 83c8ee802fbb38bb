//! An authorization server that rotates refresh tokens, and a network that can lose anything.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use astropass_core::wire::Value;
use astropass_core::{
    Body, Endpoint, Http, HttpError, HttpErrorKind, Request, Response, Timestamp,
};

use astropass_tests::server::CANARY;

use super::world::{Journal, unmarked};

#[derive(Clone)]
pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    journal: Journal,
}

struct State {
    /// The number of the refresh token that is valid.
    current: u32,
    ended: bool,
    /// Whether the token before the current one is answered with the current one.
    grace: bool,
    /// Fields that each token response has besides.
    more: String,
    /// What happens to the next requests instead.
    next: VecDeque<Next>,
    latency: Duration,
    requests: Vec<Sent>,
}

pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
}

impl Sent {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) enum Next {
    /// The server answers this, and does nothing.
    Answer(u16, &'static str),
    /// As `Answer` with `Retry-After`.
    Later(u16, u32),
    /// The request never arrives.
    NotSent(HttpErrorKind),
    /// The server acts, and its answer is lost.
    Lost(HttpErrorKind),
    /// The request never arrives, and the machine sleeps for so many seconds meanwhile.
    Slept(u64),
    /// The server acts after this has happened.
    After(Box<dyn FnOnce() -> Hook + Send>),
}

pub(crate) type Hook = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Server {
    pub(crate) fn new(journal: Journal) -> Self {
        let state = State {
            current: 0,
            ended: false,
            grace: false,
            more: String::new(),
            next: VecDeque::new(),
            latency: Duration::from_millis(50),
            requests: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), journal }
    }

    pub(crate) fn next(&self, next: impl IntoIterator<Item = Next>) {
        self.state.lock().unwrap().next.extend(next);
    }

    pub(crate) fn grace(&self) {
        self.state.lock().unwrap().grace = true;
    }

    /// JSON fields for the token responses from now on, such as `"id_token":"…"`.
    pub(crate) fn say_more(&self, more: &str) {
        self.state.lock().unwrap().more = format!(",{more}");
    }

    pub(crate) fn end_session(&self) {
        self.state.lock().unwrap().ended = true;
    }

    pub(crate) fn requests(&self) -> Vec<Sent> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

impl Http for Server {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let fields = fields(&request.body);
        let path = request.endpoint.path().trim_start_matches('/').to_owned();
        let what = match path.as_str() {
            "token" => field(&fields, "refresh_token").unwrap_or("device_code"),
            "revoke" => field(&fields, "token").unwrap_or(request.endpoint.as_str()),
            _ => "",
        };
        self.journal.lock().unwrap().push(format!("{path} {what}").trim_end().to_owned());
        let (next, latency) = {
            let mut state = self.state.lock().unwrap();
            state.requests.push(Sent {
                url: request.endpoint.as_str().to_owned(),
                fields: fields.clone(),
                authorization: request
                    .authorization
                    .as_ref()
                    .map(|field| unmarked(field.expose_secret())),
            });
            (state.next.pop_front(), state.latency)
        };
        let lost = |kind| async move {
            let timeout = kind == HttpErrorKind::Timeout;
            tokio::time::sleep(if timeout { request.timeout } else { latency }).await;
            Err(HttpError { kind, detail: String::new() })
        };
        match next {
            Some(Next::NotSent(kind)) => return lost(kind).await,
            Some(Next::Slept(seconds)) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                return lost(HttpErrorKind::Interrupted).await;
            }
            Some(Next::Lost(kind)) => {
                self.act(&request.endpoint, &fields);
                return lost(kind).await;
            }
            _ => {}
        }
        tokio::time::sleep(latency).await;
        Ok(match next {
            Some(Next::Answer(status, body)) => response(status, body.to_owned(), 0),
            Some(Next::Later(status, seconds)) => response(status, String::new(), seconds),
            Some(Next::After(hook)) => {
                hook().await;
                self.act(&request.endpoint, &fields)
            }
            _ => self.act(&request.endpoint, &fields),
        })
    }
}

impl Server {
    fn act(&self, endpoint: &Endpoint, fields: &[(String, String)]) -> Response {
        let mut state = self.state.lock().unwrap();
        let ok = |body: &str| response(200, body.to_owned(), 0);
        match endpoint.path() {
            "/device" => ok(r#"{"device_code":"d-Y2FuYXJ5","user_code":"ABCD-EFGH","interval":5,
                "verification_uri":"https://op.example/activate","expires_in":300}"#),
            "/me" => ok(r#"{"sub":"sub-1","email":"ada@example.com","name":"Ada"}"#),
            "/revoke" => ok(""),
            "/token" => {
                let Some(sent) = field(fields, "refresh_token") else {
                    state.current += 1;
                    return state.tokens();
                };
                if state.ended {
                    return refused();
                }
                if sent == format!("refresh-{}", state.current) {
                    state.current += 1;
                    return state.tokens();
                }
                let before = state.current.wrapping_sub(1);
                if state.grace && sent == format!("refresh-{before}") {
                    return state.tokens();
                }
                // Used twice: whoever holds the newer one may be the thief.
                state.ended = true;
                refused()
            }
            path => panic!("nothing is at {path}"),
        }
    }
}

impl State {
    fn tokens(&self) -> Response {
        let (number, more) = (self.current, &self.more);
        let body = format!(
            r#"{{"access_token":"{CANARY}-access-{number}",
            "refresh_token":"{CANARY}-refresh-{number}","token_type":"Bearer","expires_in":3600{more}}}"#
        );
        response(200, body, 0)
    }
}

fn refused() -> Response {
    response(400, r#"{"error":"invalid_grant"}"#.to_owned(), 0)
}

fn response(status: u16, body: String, retry_after: u32) -> Response {
    Response {
        status,
        headers: Vec::new(),
        date: Some(Timestamp::from_unix(1_800_000_000)),
        retry_after,
        body: body.into_bytes().into(),
    }
}

fn fields(body: &Body) -> Vec<(String, String)> {
    match body {
        Body::Form(form) => {
            let form = unmarked(form.expose_secret());
            form_urlencoded::parse(form.as_bytes()).into_owned().collect()
        }
        Body::Json(Value::Map(fields)) => fields
            .iter()
            .map(|(name, value)| (name.clone(), unmarked(value.as_str().unwrap_or_default())))
            .collect(),
        _ => Vec::new(),
    }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}
