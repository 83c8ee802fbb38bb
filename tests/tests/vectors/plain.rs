//! The vectors without a conversation: what is parsed, and what is stored.

use astropass_core::wire::Value;
use astropass_core::{Credentials, Domain, Endpoint, Freshness, Stored, System, Timestamp};

use super::contract::ensure;
use super::json;

/// `{"url", "expect": "refused" | {"text", "origin", "host"}}`
pub(crate) fn endpoint(vector: &Value) -> Result<(), String> {
    let url = vector.string("url").ok_or("no url")?;
    let parsed = match Endpoint::parse(url) {
        Ok(endpoint) => Value::map([
            ("text", Some(endpoint.as_str().into())),
            ("origin", Some(endpoint.origin().into())),
            ("host", Some(endpoint.host().into())),
        ]),
        Err(error) => {
            // The URL may hold a secret, so the error must not repeat it.
            let rest = url.split("://").last().unwrap_or_default();
            ensure(rest.len() < 6 || !error.to_string().contains(rest), "the error repeats it")?;
            "refused".into()
        }
    };
    let expected = vector.field("expect").ok_or("nothing is expected")?;
    ensure(json::same(expected, &parsed), &format!("was {}", json::text(&parsed)))
}

/// `{"domain", "override"?: true, "expect": {"error": text} | {"name", "system", "api",
/// "token_page"}}`
pub(crate) fn domain(vector: &Value) -> Result<(), String> {
    let text = vector.string("domain").ok_or("no domain")?;
    let parsed = match vector.field("override") {
        Some(_) => Domain::parse_override(text),
        None => Domain::parse(text),
    };
    let was = match parsed {
        Ok(domain) => {
            let url = |endpoint: Result<Endpoint, _>| endpoint.ok().map(|url| url.as_str().into());
            let system = match domain.system() {
                System::Cloud => "cloud",
                System::Software => "software",
            };
            Value::map([
                ("name", Some(domain.name().into())),
                ("system", Some(system.into())),
                ("api", url(domain.api())),
                ("token_page", url(domain.token_page())),
            ])
        }
        Err(error) => Value::map([("error", Some(error.to_string().as_str().into()))]),
    };
    let expected = vector.field("expect").ok_or("nothing is expected")?;
    ensure(json::same(expected, &was), &format!("was {}", json::text(&was)))
}

/// `{"session", "tokens", "expect": "store_…" | {"expires_at"?, "refresh_after"?,
/// "freshness": [[Unix seconds, "fresh" | "stale" | "expired"], …]}}`; what is read must also be
/// written back as it was.
pub(crate) fn credentials(vector: &Value) -> Result<(), String> {
    let part = |name| vector.field(name).cloned().ok_or_else(|| format!("no {name}"));
    let stored = Stored { session: part("session")?, tokens: part("tokens")? };
    let expected = part("expect")?;
    let credentials = match Credentials::from_stored(stored.clone()) {
        Ok(credentials) => credentials,
        Err(error) => {
            let same = expected.as_str() == Some(error.code());
            return ensure(same, &format!("was {error}"));
        }
    };
    let times = expected.field("freshness").and_then(Value::as_list).ok_or("was read")?;
    let mut freshness = Vec::new();
    for time in times {
        let Some([Value::Number(at), _]) = time.as_list() else {
            return Err("freshness is a list of pairs".to_owned());
        };
        let name = match credentials.freshness(Timestamp::from_unix(*at as i64)) {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
            Freshness::Expired => "expired",
        };
        freshness.push(Value::List(vec![Value::Number(*at), name.into()]));
    }
    let expires_at = credentials.expires_at().map(|at| Value::Number(at.as_unix() as f64));
    let was = Value::map([
        ("expires_at", expires_at),
        ("refresh_after", credentials.refresh_after().map(Value::from)),
        ("freshness", Some(Value::List(freshness))),
    ]);
    ensure(json::same(&expected, &was), &format!("was {}", json::text(&was)))?;
    let again = credentials.to_stored();
    for (before, after) in [(&stored.session, &again.session), (&stored.tokens, &again.tokens)] {
        let rewritten = format!("{} became {}", json::text(before), json::text(after));
        ensure(json::same(before, after), &rewritten)?;
    }
    Ok(())
}
