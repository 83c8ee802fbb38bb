//! A login server and an API server as a function from request to response: no sockets, no delay
//! but the one that a test asks for.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use astropass::{
    Body, Credentials, Dialect, Endpoint, Endpoints, HttpError, HttpFuture, Identity, Provider,
    Request, Response, Secret, SendHttp, Timestamp,
};
use astropass_tests::server::CANARY;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

pub(crate) const ISSUER: &str = "https://login.example";
pub(crate) const API: &str = "https://api.example";

/// Its clones share it.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    refresh_received: Notify,
    /// Whether the answer to a refresh is held back.
    held: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    /// Tokens that were given so far: the last ones are valid.
    generation: u32,
    /// Whether the API refuses the token of this generation.
    refused: Option<u32>,
    approved: bool,
    log: Vec<Sent>,
}

/// A request that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse(url).unwrap()
}

/// A provider whose endpoints are at `issuer`.
pub(crate) fn provider_at(issuer: &str) -> Provider {
    let at = |path| Some(endpoint(&format!("{issuer}/{path}")));
    Provider {
        issuer: issuer.to_owned(),
        client_id: "client".to_owned(),
        scopes: Vec::new(),
        endpoints: Endpoints {
            device_authorization: at("device"),
            token: at("token"),
            revocation: at("revoke"),
            ..Endpoints::default()
        },
        dialect: Dialect::Standard,
    }
}

/// The first tokens of a [`Server`], whose access token lasts an hour and is `age` seconds old.
pub(crate) fn first_tokens(age: i64) -> Credentials {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    Credentials {
        identity: Identity {
            issuer: ISSUER.to_owned(),
            client_id: "client".to_owned(),
            subject: Some("user-1".to_owned()),
            organization: None,
        },
        user: None,
        access_token: Secret::new(format!("access-{CANARY}-1")),
        refresh_token: Some(Secret::new(format!("refresh-{CANARY}-1"))),
        received_at: Timestamp::from_unix(i64::try_from(now).unwrap() - age),
        lifetime: Some(3600),
        login: None,
    }
}

/// Ages in seconds of a token that is fresh, to be refreshed, and of no use.
pub(crate) const FRESH: i64 = 0;
pub(crate) const STALE: i64 = 3500;
pub(crate) const EXPIRED: i64 = 4000;

impl Server {
    /// One that has given its first tokens.
    pub(crate) fn new() -> Self {
        let server = Self::default();
        server.state().generation = 1;
        server
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Refuses the access token that is valid now.
    pub(crate) fn refuse_token(&self) {
        let mut state = self.state();
        state.refused = Some(state.generation);
    }

    /// From the next poll on, the person has approved.
    pub(crate) fn approve(&self) {
        self.state().approved = true;
    }

    /// Holds back answers to refreshes, or lets them go.
    pub(crate) fn hold(&self, held: bool) {
        self.0.held.send_replace(held);
    }

    /// Resolves once a refresh was received.
    pub(crate) async fn refresh_received(&self) {
        self.0.refresh_received.notified().await;
    }

    pub(crate) fn log(&self) -> Vec<Sent> {
        self.state().log.clone()
    }

    pub(crate) fn count(&self, url: &str) -> usize {
        self.log().iter().filter(|sent| sent.url.starts_with(url)).count()
    }

    async fn answer(&self, request: Request) -> Response {
        let form = match &request.body {
            Body::Raw(form) => String::from_utf8(form.to_vec()).unwrap(),
            _ => String::new(),
        };
        let url = request.endpoint.as_str().to_owned();
        let bearer = request.authorization.as_ref().map(|secret| secret.expose_secret().to_owned());
        let token = bearer.or_else(|| field(&form, "refresh_token"));
        let token = token.or_else(|| field(&form, "token"));
        self.state().log.push(Sent { url: url.clone(), token: token.clone() });
        if let Some(path) = url.strip_prefix(API) {
            return self.answer_api(path, token.as_deref());
        }
        match url.rsplit('/').next().unwrap() {
            "device" => response(
                200,
                &json!({"device_code": format!("device-{CANARY}"), "user_code": "ABCD", "interval": 1,
                        "verification_uri": "https://login.example/activate", "expires_in": 300}),
            ),
            "token" if form.contains("device_code") => self.answer_poll(),
            "token" => {
                let response = self.answer_refresh(token.as_deref());
                self.0.refresh_received.notify_one();
                let mut held = self.0.held.subscribe();
                held.wait_for(|held| !held).await.unwrap();
                response
            }
            "revoke" => response(200, &Value::Null),
            _ => response(404, &Value::Null),
        }
    }

    fn answer_api(&self, path: &str, token: Option<&str>) -> Response {
        let state = self.state();
        let valid = format!("Bearer access-{CANARY}-{}", state.generation);
        if path == "/moved" {
            let mut moved = response(302, &Value::Null);
            moved.headers = vec![("location".to_owned(), "https://evil.example/".to_owned())];
            return moved;
        }
        if token != Some(valid.as_str()) || state.refused == Some(state.generation) {
            return response(401, &Value::Null);
        }
        response(200, &json!({ "path": path }))
    }

    fn answer_poll(&self) -> Response {
        if self.state().approved {
            return self.give_tokens();
        }
        response(400, &json!({"error": "authorization_pending"}))
    }

    fn answer_refresh(&self, token: Option<&str>) -> Response {
        let valid = format!("refresh-{CANARY}-{}", self.state().generation);
        if token != Some(valid.as_str()) {
            return response(400, &json!({"error": "invalid_grant"}));
        }
        self.give_tokens()
    }

    fn give_tokens(&self) -> Response {
        let mut state = self.state();
        state.generation += 1;
        let n = state.generation;
        response(
            200,
            &json!({"access_token": format!("access-{CANARY}-{n}"), "refresh_token": format!("refresh-{CANARY}-{n}"),
                    "token_type": "Bearer", "expires_in": 3600}),
        )
    }
}

impl SendHttp for Server {
    fn send(&self, request: Request) -> HttpFuture<'_> {
        Box::pin(async move { Ok::<_, HttpError>(self.answer(request).await) })
    }
}

fn response(status: u16, body: &Value) -> Response {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Response { status, headers: Vec::new(), date: None, retry_after: 0, body: body.into() }
}

fn field(form: &str, name: &str) -> Option<String> {
    let fields = form.split('&').filter_map(|field| field.split_once('='));
    fields.filter(|(field, _)| *field == name).map(|(_, value)| value.to_owned()).next()
}
