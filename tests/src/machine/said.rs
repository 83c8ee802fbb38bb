//! Anything that a server, a network or a clock may do.

use std::time::Duration;

use astropass_core::flow::Input;
use astropass_core::{HttpError, HttpErrorKind, Response, Timestamp};

/// A part of every secret: it must never be printed.
pub const CANARY: &str = "canary0token";

/// {"iss":"https://op.example","aud":"cli","sub":"sub-2","exp":1900000000}
const ID_TOKEN: &str = concat!(
    "e30.",
    "eyJpc3MiOiJodHRwczovL29wLmV4YW1wbGUiLCJhdWQiOiJjbGkiLCJzdWIiOiJzdWItMiIsImV4cCI6MTkwMDAwMDAwMH0",
    ".c2ln"
);

/// What the cloud's API and Houston say where all is well.
pub const AUTH_CONFIG: &str =
    r#"{"clientId":"cli","audience":"a","domainUrl":"https://op.example/","authFlow":"ORG_FIRST"}"#;
/// An organization look-up.
pub const LOOKED_UP: &str = r#"{"OrganizationIds":["org_1","org_2"]}"#;
/// The cloud's user.
pub const SELF: &str = r#"{"id":"user_1","username":"ada@example.com"}"#;
/// One organization.
pub const ORGANIZATION: &str = r#"{"id":"org_1","name":"Analytical Engines"}"#;
/// A list of organizations.
pub const ORGANIZATIONS: &str = r#"{"organizations":[{"id":"org_1"}]}"#;
/// Of either, and the last page.
pub const WORKSPACES: &str =
    r#"{"workspaces":[{"id":"ws_1"}],"data":{"workspaces":[{"id":"ws_1","label":"One"}]}}"#;
/// A page that is not the last one.
pub const MORE_WORKSPACES: &str = r#"{"workspaces":[{"id":"ws_0"}],"totalCount":2}"#;
/// Houston's ways to sign in.
pub const AUTH_METHODS: &str = r#"{"data":{"authConfig":{"localEnabled":true}}}"#;
/// Houston's token.
pub const TOKEN: &str =
    r#"{"data":{"createToken":{"user":{"id":"u"},"token":{"value":"canary0token-houston"}}}}"#;

/// What happens to a machine.
#[derive(Clone, Debug)]
pub enum Event {
    /// Milliseconds go by.
    Pass(u64),
    /// Time goes by until what is waited for is due.
    PassWait,
    /// It is stepped.
    Tick,
    /// It is told of a response.
    Reply(Said),
}

/// A reply with its header fields.
#[derive(Clone, Debug)]
pub struct Said {
    /// Status and body, or why there are none.
    pub reply: Reply,
    /// The field `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Unix seconds of its `Date`.
    pub date: Option<i64>,
}

/// Status and body of a response.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A device authorization response; both in seconds.
    Start {
        /// Between polls.
        interval: Option<u64>,
        /// Of the codes.
        expires_in: u64,
    },
    /// `authorization_pending`
    Pending,
    /// `slow_down`
    SlowDown,
    /// A token response.
    Tokens,
    /// A token response with an ID token.
    IdToken,
    /// Claims of userinfo.
    User,
    /// A metadata document.
    Metadata,
    /// An OAuth error.
    Refused(u16, &'static str),
    /// HTML.
    Page(u16),
    /// No response.
    Lost(HttpErrorKind),
    /// Any bytes.
    Raw(u16, Vec<u8>),
    /// Any JSON.
    Json(u16, String),
}

impl Said {
    /// Without header fields.
    #[must_use]
    pub fn plain(reply: Reply) -> Self {
        Self { reply, retry_after: None, date: None }
    }

    /// What the machine is told.
    #[must_use]
    pub fn input(&self) -> Input {
        let (status, body) = match &self.reply {
            Reply::Lost(kind) => {
                let detail = "what the platform says".to_owned();
                return Input::Response(Err(HttpError { kind: *kind, detail }));
            }
            Reply::Start { interval, expires_in } => {
                let interval = interval.map(|i| format!(r#","interval":{i}"#)).unwrap_or_default();
                let body = format!(
                    r#"{{"device_code":"{CANARY}-code","user_code":"ABCD-EFGH",
                    "verification_uri":"https://op.example/device",
                    "verification_uri_complete":"https://op.example/device?user_code={CANARY}",
                    "expires_in":{expires_in}{interval}}}"#
                );
                // The prompt is there to be shown; only its code for opening is not printed.
                (200, body.into_bytes())
            }
            Reply::Pending => (400, br#"{"error":"authorization_pending"}"#.to_vec()),
            Reply::SlowDown => (400, br#"{"code":"slow_down","message":"wait"}"#.to_vec()),
            Reply::Tokens => {
                let body = format!(
                    r#"{{"access_token":"{CANARY}-access","refresh_token":"{CANARY}-refresh",
                    "token_type":"Bearer","expires_in":300,"user":{{"id":"user_01"}}}}"#
                );
                (200, body.into_bytes())
            }
            Reply::IdToken => {
                let body = format!(r#"{{"access_token":"{CANARY}","id_token":"{ID_TOKEN}"}}"#);
                (200, body.into_bytes())
            }
            Reply::User => (200, br#"{"sub":"sub-1"}"#.to_vec()),
            Reply::Metadata => {
                let body = br#"{"issuer":"https://op.example",
                    "token_endpoint":"https://op.example/token"}"#;
                (200, body.to_vec())
            }
            Reply::Refused(status, code) => {
                (*status, format!(r#"{{"error":"{code}"}}"#).into_bytes())
            }
            Reply::Page(status) => (*status, format!("<html>{CANARY}</html>").into_bytes()),
            Reply::Raw(status, body) => (*status, body.clone()),
            Reply::Json(status, body) => (*status, body.clone().into_bytes()),
        };
        Input::Response(Ok(Box::new(Response {
            status,
            headers: vec![("set-cookie".to_owned(), CANARY.to_owned())],
            date: self.date.map(Timestamp::from_unix),
            retry_after: self.retry_after.map_or(0, |wait| wait.as_secs() as u32),
            body: body.into(),
        })))
    }
}
