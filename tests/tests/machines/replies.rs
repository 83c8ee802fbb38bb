//! Anything that a server, a network or a clock may do, at random.

use std::time::Duration;

use astropass_core::HttpErrorKind;
use astropass_tests::machine::{
    AUTH_CONFIG, AUTH_METHODS, Event, LOOKED_UP, MORE_WORKSPACES, ORGANIZATION, ORGANIZATIONS,
    Reply, SELF, Said, TOKEN, WORKSPACES,
};
use proptest::prelude::*;

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
