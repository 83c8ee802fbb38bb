//! That `hostile.json` leaves nothing out: whatever a machine asks at a dialect has an answer there
//! that is mutated.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};

use astropass_core::flow::{Action, Input};
use astropass_core::{Dialect, Endpoint, HttpError, Instant, Provider, Request, Response};
use astropass_tests::machine::{DIALECTS, KINDS, Kind, Machine, machine_at, provider};

use super::hostile::{self, Case};

/// Dialect, machine, and the path that is asked.
type Pair = (String, String, String);

/// Most answers that lead to another request: user, organization, organizations, workspaces.
const LONGEST: usize = 4;
/// A body in which every machine finds what it looks for.
const GOOD: &str = r#"{
    "issuer": "https://op.example", "token_endpoint": "https://op.example/token",
    "device_code": "d", "user_code": "u", "verification_uri": "https://op.example/", "expires_in": 300,
    "access_token": "a", "sub": "s", "email": "ada@example.com",
    "clientId": "c", "audience": "a", "domainUrl": "https://op.example/",
    "id": "org_1", "organizations": [{"id": "org_1"}], "workspaces": [],
    "data": {"authConfig": {}, "workspaces": [], "createToken": {"token": {"value": "t"}}}
}"#;

#[test]
fn every_endpoint_of_every_dialect_has_sixty_hostile_answers() {
    let file = std::fs::read(super::folder().join("hostile.json")).unwrap();
    let file = hostile::read(&astropass::parse_json(&file).unwrap());
    let cases = hostile::cases(&file).unwrap();
    let mut counts = BTreeMap::new();
    let mut found = BTreeSet::new();
    for case in &cases {
        let count = counts.entry(case.name.split("): ").next().unwrap()).or_insert(0);
        if *count == 0 {
            found.extend(pair(case));
        }
        *count += 1;
    }
    let differing: Vec<_> = found.symmetric_difference(&wanted()).cloned().collect();
    assert!(differing.is_empty(), "mutated or asked, and not both: {differing:?}");
    assert!(counts.values().all(|count| *count >= 60), "{counts:?}");
}

/// What `case` gives a hostile answer to; `None` for what no machine asks.
fn pair(case: &Case<'_>) -> Option<Pair> {
    let kind = case.endpoint.string("machine")?;
    let dialect = case.provider.and_then(Provider::from_value)?.dialect;
    let mut path = None;
    let mut hostile = |request: &Request| {
        path.get_or_insert_with(|| request.endpoint.path().to_owned());
        Ok(good())
    };
    // How it ends is another test's.
    let _ = case.run(astropass::parse_json, &mut hostile);
    Some((format!("{dialect:?}"), kind.to_owned(), path?))
}

/// All that the machines ask at the providers that there are.
fn wanted() -> BTreeSet<Pair> {
    let mut pairs = BTreeSet::new();
    for kind in KINDS {
        for dialect in DIALECTS.into_iter().filter(|dialect| has(kind, *dialect)) {
            for path in paths(kind, dialect) {
                pairs.insert((format!("{dialect:?}"), name(kind), path));
            }
        }
    }
    pairs
}

/// Whether a `dialect` may have such machines at all.
fn has(kind: Kind, dialect: Dialect) -> bool {
    match kind {
        Kind::Device
        | Kind::Code
        | Kind::Refresh
        | Kind::Revoke
        | Kind::Userinfo
        | Kind::PastedToken => true,
        Kind::Discover => dialect == Dialect::Standard,
        Kind::AuthConfig | Kind::OrganizationLookup | Kind::Account => dialect == Dialect::Astro,
        Kind::HoustonAuthConfig | Kind::HoustonCreateToken | Kind::HoustonWorkspaces => {
            dialect == Dialect::Software
        }
    }
}

/// A provider of this dialect as it really is, and not one with every endpoint.
fn real(dialect: Dialect) -> Provider {
    let base = Endpoint::parse("https://op.example").unwrap();
    match dialect {
        Dialect::Standard => provider(dialect),
        Dialect::WorkOs(encoding) => Provider::workos(&base, "cli", encoding).unwrap(),
        Dialect::Astro => Provider::astro(&base, "cli", "a").unwrap(),
        Dialect::Software => Provider::software(&base.join("v1").unwrap()),
        other => panic!("what has {other:?}?"),
    }
}

/// The paths that a machine asks, whatever it is answered.
fn paths(kind: Kind, dialect: Dialect) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut open = vec![Vec::new()];
    while let Some(answers) = open.pop() {
        let machine = machine_at(kind, real(dialect));
        let Some(path) = machine.and_then(|machine| asked_after(machine, &answers)) else {
            continue;
        };
        paths.insert(path);
        if answers.len() < LONGEST {
            open.extend([200, 404].map(|status| [&answers[..], &[status]].concat()));
        }
    }
    paths
}

/// What the machine asks after answers of these statuses, if it asks on.
fn asked_after(mut machine: Box<dyn Machine>, answers: &[u16]) -> Option<String> {
    let mut now = Instant::from_millis(0);
    let (mut answers, mut input) = (answers.iter(), Input::Tick);
    loop {
        input = match machine.step(input, now).ok()? {
            Action::Send(request) => match answers.next() {
                Some(200) => Input::Response(good().map(Box::new)),
                Some(status) => Input::Response(hostile::response(*status, b"").map(Box::new)),
                None => return Some(request.endpoint.path().to_owned()),
            },
            Action::WaitUntil(until) => {
                now = until;
                Input::Tick
            }
            Action::Show(_) => Input::Tick,
            Action::AwaitResponse | Action::Done(_) => return None,
        };
    }
}

fn good() -> Result<Response, HttpError> {
    hostile::response(200, GOOD.as_bytes())
}

/// As the vectors call it.
fn name(kind: Kind) -> String {
    let mut name = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

#[test]
fn a_pair_that_is_missing_is_noticed() {
    let pairs = wanted();
    let has = |dialect: &str, kind: &str, path: &str| {
        pairs.contains(&(dialect.to_owned(), kind.to_owned(), path.to_owned()))
    };
    assert!(has("Astro", "account", "/v1/organizations/org_1/workspaces"), "{pairs:?}");
    assert!(has("Astro", "account", "/v1/organizations"), "{pairs:?}");
    assert!(has("Astro", "auth_config", "/private/v1alpha1/cli/auth-config"), "{pairs:?}");
    assert!(has("WorkOs(Form)", "device", "/user_management/authenticate"), "{pairs:?}");
    assert!(!has("Software", "refresh", "/token"), "{pairs:?}");
}
