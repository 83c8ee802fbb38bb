//! Anything that a server, a network or a clock may do.

use std::time::Duration;

use astropass_core::flow::Input;
use astropass_core::{HttpError, HttpErrorKind, Response, Timestamp};
use proptest::prelude::*;

/// A part of every secret: it must never be printed.
pub(crate) const CANARY: &str = "canary0token";

/// {"iss":"https://op.example","aud":"cli","sub":"sub-2","exp":1900000000}
const ID_TOKEN: &str = concat!(
    "e30.",
    "eyJpc3MiOiJodHRwczovL29wLmV4YW1wbGUiLCJhdWQiOiJjbGkiLCJzdWIiOiJzdWItMiIsImV4cCI6MTkwMDAwMDAwMH0",
    ".c2ln"
);

/// What the cloud's API and Houston say where all is well.
pub(crate) const AUTH_CONFIG: &str =
    r#"{"clientId":"cli","audience":"a","domainUrl":"https://op.example/","authFlow":"ORG_FIRST"}"#;
pub(crate) const LOOKED_UP: &str = r#"{"OrganizationIds":["org_1","org_2"]}"#;
pub(crate) const SELF: &str = r#"{"id":"user_1","username":"ada@example.com"}"#;
pub(crate) const ORGANIZATION: &str = r#"{"id":"org_1","name":"Analytical Engines"}"#;
pub(crate) const ORGANIZATIONS: &str = r#"{"organizations":[{"id":"org_1"}]}"#;
/// Of either, and the last page.
pub(crate) const WORKSPACES: &str =
    r#"{"workspaces":[{"id":"ws_1"}],"data":{"workspaces":[{"id":"ws_1","label":"One"}]}}"#;
pub(crate) const MORE_WORKSPACES: &str = r#"{"workspaces":[{"id":"ws_0"}],"totalCount":2}"#;
pub(crate) const AUTH_METHODS: &str = r#"{"data":{"authConfig":{"localEnabled":true}}}"#;
pub(crate) const TOKEN: &str =
    r#"{"data":{"createToken":{"user":{"id":"u"},"token":{"value":"canary0token-houston"}}}}"#;

#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Milliseconds go by.
    Pass(u64),
    /// Time goes by until what is waited for is due.
    PassWait,
    Tick,
    Reply(Said),
}

#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) reply: Reply,
    pub(crate) retry_after: Option<Duration>,
    date: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Start { interval: Option<u64>, expires_in: u64 },
    Pending,
    SlowDown,
    Tokens,
    IdToken,
    User,
    Metadata,
    Refused(u16, &'static str),
    Page(u16),
    Lost(HttpErrorKind),
    Raw(u16, Vec<u8>),
    Json(u16, String),
}

impl Said {
    pub(crate) fn plain(reply: Reply) -> Self {
        Self { reply, retry_after: None, date: None }
    }

    pub(crate) fn input(&self) -> Input {
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

/// Everything, in any order.
pub(crate) fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => passes(),
        2 => Just(Event::PassWait),
        5 => Just(Event::Tick),
        4 => said(replies()),
    ]
}

/// What leaves a login going on, for the most part.
pub(crate) fn poll_events() -> impl Strategy<Value = Event> {
    let going_on = prop_oneof![
        4 => Just(Reply::Pending),
        3 => Just(Reply::SlowDown),
        2 => lost(),
        2 => prop::sample::select(&[429_u16, 500, 502, 503][..]).prop_map(Reply::Page),
        1 => prop::sample::select(&[200_u16, 302, 403, 404][..]).prop_map(Reply::Page),
    ];
    prop_oneof![
        3 => passes(),
        3 => Just(Event::PassWait),
        6 => Just(Event::Tick),
        6 => said(going_on),
        1 => said(replies()),
    ]
}

pub(crate) fn start() -> impl Strategy<Value = Event> {
    let interval = prop_oneof![Just(None), (0_u64..120).prop_map(Some)];
    (interval, 0_u64..5000).prop_map(|(interval, expires_in)| {
        Event::Reply(Said::plain(Reply::Start { interval, expires_in }))
    })
}

/// Bytes and JSON that no server should send.
pub(crate) fn noise() -> impl Strategy<Value = Event> {
    said(prop_oneof![raw(), json()])
}

fn said(reply: impl Strategy<Value = Reply> + 'static) -> impl Strategy<Value = Event> {
    let retry_after = prop_oneof![
        6 => Just(None),
        2 => (0_u64..200).prop_map(|secs| Some(Duration::from_secs(secs))),
        1 => Just(Some(Duration::MAX)),
    ];
    let date = prop_oneof![
        6 => Just(None),
        2 => (0_i64..4_000_000_000).prop_map(Some),
        1 => any::<i64>().prop_map(Some),
        1 => prop::sample::select(&[i64::MIN, i64::MAX][..]).prop_map(Some),
    ];
    (reply, retry_after, date)
        .prop_map(|(reply, retry_after, date)| Event::Reply(Said { reply, retry_after, date }))
}

fn passes() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => 0_u64..3_000,
        4 => 0_u64..30_000,
        1 => Just(4_000_000),
        1 => Just(u64::MAX),
    ]
    .prop_map(Event::Pass)
}

fn replies() -> impl Strategy<Value = Reply> {
    let interval = prop_oneof![Just(None), (0_u64..90).prop_map(Some)];
    prop_oneof![
        (interval, 0_u64..5000)
            .prop_map(|(interval, expires_in)| Reply::Start { interval, expires_in }),
        Just(Reply::Pending),
        Just(Reply::SlowDown),
        Just(Reply::Tokens),
        Just(Reply::IdToken),
        Just(Reply::User),
        Just(Reply::Metadata),
        (prop::sample::select(&[200_u16, 400, 401, 403][..]), prop::sample::select(ERRORS))
            .prop_map(|(status, code)| Reply::Refused(status, code)),
        prop::sample::select(&[200_u16, 302, 403, 404, 429, 502][..]).prop_map(Reply::Page),
        prop::sample::select(APIS).prop_map(|body| Reply::Json(200, body.to_owned())),
        lost(),
        raw(),
        json(),
    ]
}

const ERRORS: &[&str] = &[
    "access_denied",
    "expired_token",
    "invalid_grant",
    "invalid_client",
    "mfa_enrollment",
    "something_else",
];

const APIS: &[&str] = &[
    AUTH_CONFIG,
    LOOKED_UP,
    SELF,
    ORGANIZATION,
    ORGANIZATIONS,
    WORKSPACES,
    MORE_WORKSPACES,
    AUTH_METHODS,
    TOKEN,
];

fn lost() -> impl Strategy<Value = Reply> {
    use HttpErrorKind::{Certificate, Connect, Interrupted, Timeout, TooLarge};
    prop::sample::select(&[Connect, Certificate, Timeout, Interrupted, TooLarge][..])
        .prop_map(Reply::Lost)
}

fn raw() -> impl Strategy<Value = Reply> {
    (any::<u16>(), prop::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(status, body)| Reply::Raw(status, body))
}

/// JSON of the fields that machines look at, with values of any type.
fn json() -> impl Strategy<Value = Reply> {
    const NAMES: &[&str] = &[
        "access_token",
        "refresh_token",
        "id_token",
        "token_type",
        "expires_in",
        "user",
        "id",
        "device_code",
        "user_code",
        "verification_uri",
        "interval",
        "issuer",
        "token_endpoint",
        "sub",
        "email",
        "error",
        "code",
        "message",
        "error_description",
        "organization_id",
        "OrganizationIds",
        "organizations",
        "workspaces",
        "totalCount",
        "domainUrl",
        "errors",
        "extensions",
        "data",
        "authConfig",
        "createToken",
        "token",
        "value",
    ];
    let texts = prop_oneof![
        any::<String>(),
        prop::sample::select(&["https://op.example", "Bearer", "1e9", "-1", "", "a.b.c"][..])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        texts.prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((prop::sample::select(NAMES), inner), 0..6).prop_map(|fields| {
                serde_json::Value::Object(
                    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                )
            }),
        ]
    });
    let object = prop::collection::vec((prop::sample::select(NAMES), value), 0..12);
    (prop::sample::select(&[200_u16, 400, 403, 500][..]), object).prop_map(|(status, fields)| {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
        Reply::Json(status, serde_json::Value::Object(fields.collect()).to_string())
    })
}
