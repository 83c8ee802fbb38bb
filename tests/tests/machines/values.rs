//! What is written can be read, and what is secret cannot.

use std::time::Duration;

use astropass_core::flow::{Action, Flow, Input, Refresh};
use astropass_core::wire::Value;
use astropass_core::{
    Body, Credentials, Dialect, Error, Event, Freshness, Grant, HttpError, HttpErrorKind, Instant,
    Provider, Request, Response, Secret, Timestamp, User,
};
use astropass_tests::machine::{CANARY, DIALECTS, grant, provider};
use proptest::prelude::*;

use super::cases;

fn grants() -> impl Strategy<Value = Grant> {
    let token = || "[!-~]{1,60}".prop_map(Secret::new);
    let text = || prop::option::of(any::<String>());
    let user =
        (any::<String>(), text(), text()).prop_map(|(id, email, name)| User { id, email, name });
    (
        token(),
        prop::option::of(token()),
        prop::option::of(0_u64..1 << 53),
        text(),
        text(),
        prop::option::of(user),
    )
        .prop_map(|(access_token, refresh_token, lifetime, subject, organization, user)| {
            Grant { access_token, refresh_token, lifetime, subject, organization, user }
        })
}

/// Any moment whose seconds a JSON number holds.
fn moments() -> impl Strategy<Value = Timestamp> {
    (-(1_i64 << 53)..1 << 53).prop_map(Timestamp::from_unix)
}

fn same(one: &Credentials, other: &Credentials) -> bool {
    let (one, other) = (one.to_stored(), other.to_stored());
    one.session == other.session && one.tokens == other.tokens
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn credentials_survive_being_stored(grant in grants(), at in moments()) {
        let credentials = Credentials::new("https://op.example", "cli", grant, at);
        let read = Credentials::from_stored(credentials.to_stored()).unwrap();
        prop_assert!(same(&credentials, &read));
        prop_assert_eq!(read.identity, credentials.identity);
        prop_assert_eq!(read.received_at, credentials.received_at);
    }

    #[test]
    fn a_refresh_loses_nothing(first in grants(), second in grants(), at in moments()) {
        let before = Credentials::new("https://op.example", "cli", first, Timestamp::from_unix(0));
        let after = before.renewed(second.clone(), at);
        prop_assert_eq!(&after.access_token, &second.access_token);
        prop_assert_eq!(after.refresh_token, second.refresh_token.or(before.refresh_token));
        prop_assert_eq!(after.identity.subject, before.identity.subject.or(second.subject));
        prop_assert_eq!(after.lifetime, second.lifetime);
        prop_assert_eq!(after.received_at, at);
    }

    /// Time only makes a token worse, but for a receipt that was in the future.
    #[test]
    fn freshness_only_falls(grant in grants(), at in moments(), one in moments(), other in moments()) {
        let credentials = Credentials::new("https://op.example", "cli", grant, at);
        let rank = |now| match credentials.freshness(now) {
            Freshness::Fresh => 0,
            Freshness::Stale => 1,
            Freshness::Expired => 2,
        };
        let (early, late) = (one.min(other), one.max(other));
        if early >= at {
            prop_assert!(rank(early) <= rank(late));
        } else if credentials.lifetime.is_some() {
            prop_assert_eq!(rank(early), 1);
        }
        prop_assert!(credentials.refresh_after() <= credentials.lifetime);
        if let Some(expires_at) = credentials.expires_at() {
            prop_assert_eq!(rank(expires_at), 2);
        }
    }

    #[test]
    fn a_provider_survives_being_stored(
        dialect in prop::sample::select(&DIALECTS[..]),
        client_id in any::<String>(),
        scopes in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let provider = Provider { client_id, scopes, ..provider(dialect) };
        prop_assert_eq!(Provider::from_value(&provider.to_value()), Some(provider));
    }

    /// Beside the `url` crate's reading of forms.
    #[test]
    fn a_form_is_read_as_it_was_meant(token in any::<String>(), client_id in any::<String>()) {
        let provider = Provider { client_id: client_id.clone(), ..provider(Dialect::Standard) };
        let token_too = Secret::new(token.clone());
        let mut refresh = Refresh::new(provider, token_too, None, astropass::parse_json);
        let Ok(Action::Send(request)) = refresh.step(Input::Tick, Instant::from_millis(0)) else {
            panic!("nothing is sent")
        };
        let Body::Form(form) = request.body else { panic!("not a form") };
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(form.expose_secret().as_bytes()).into_owned().collect();
        let expected = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str()),
            ("client_id", client_id.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        prop_assert_eq!(fields, expected);
    }

    #[test]
    fn seconds_are_exact_or_absent(number in any::<f64>(), text in any::<String>()) {
        let value = Value::map([("n", Some(Value::Number(number))), ("t", Some(text.as_str().into()))]);
        if let Some(seconds) = value.seconds("n") {
            prop_assert!(number - seconds as f64 >= 0.0 && number - (seconds as f64) < 1.0);
        }
        prop_assert_eq!(value.seconds("t"), text.parse::<u32>().ok().map(u64::from));
    }
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let credentials =
        Credentials::new("https://op.example", "cli", grant(), Timestamp::from_unix(0));
    let secret = Secret::new(CANARY.to_owned());
    let body: Vec<u8> = CANARY.into();
    let response = Response {
        status: 200,
        headers: vec![("set-cookie".to_owned(), CANARY.to_owned())],
        date: None,
        retry_after: 0,
        body: body.clone().into(),
    };
    let request = |body| Request {
        method: "POST".to_owned(),
        endpoint: astropass_core::Endpoint::parse(&format!("https://op.example/?{CANARY}"))
            .unwrap(),
        headers: vec![("cookie".to_owned(), CANARY.to_owned())],
        authorization: Some(secret.clone()),
        body,
        timeout: Duration::ZERO,
        max_body: 0,
    };
    let requests = [Body::Form(secret.clone()), Body::Json(CANARY.into()), Body::Raw(body.into())]
        .map(|body| format!("{:?}", request(body)));
    let printed = [
        format!("{secret:?}"),
        format!("{:?}", grant()),
        format!("{credentials:?}"),
        format!("{:?}", credentials.access()),
        format!("{:?}", credentials.to_stored()),
        format!("{:?}", Value::List(vec![CANARY.into()])),
        format!("{response:?}"),
        format!("{:?}", Input::Response(Ok(Box::new(response)))),
        format!("{:?}", Action::<()>::Send(Box::new(request(Body::Empty)))),
        format!(
            "{:?}",
            Event::RefreshFailed(Error::from(HttpError {
                kind: HttpErrorKind::Timeout,
                detail: String::new(),
            }))
        ),
    ];
    for text in printed.iter().chain(&requests) {
        assert!(!text.contains(CANARY), "{text}");
    }
}
