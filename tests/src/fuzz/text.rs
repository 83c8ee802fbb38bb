use astropass::wire::{MAX_DEPTH, Value};
use astropass::{parse_json, printable as shown};
use astropass_core::flow::{Action, Flow, Input, Refresh};
use astropass_core::{Dialect, Encoding, Grant, Instant, Response, Secret};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::machine::provider;

/// JSON text: core's values beside `serde_json`'s own.
pub fn json(data: &[u8]) {
    let ours = parse_json(data);
    let theirs = serde_json::from_slice::<serde_json::Value>(data);
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => assert!(same(&ours, &theirs), "{theirs}"),
        (Ok(_), Err(error)) => panic!("serde_json refuses it: {error}"),
        (Err(_), Ok(theirs)) => assert!(depth(&theirs) > MAX_DEPTH, "it is refused: {theirs}"),
        (Err(_), Err(_)) => {}
    }
}

fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(ours), serde_json::Value::Bool(theirs)) => ours == theirs,
        (Value::Number(ours), serde_json::Value::Number(theirs)) => Some(*ours) == theirs.as_f64(),
        (Value::String(ours), serde_json::Value::String(theirs)) => **ours == *theirs,
        (Value::List(ours), serde_json::Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, its)| same(ours, its))
        }
        (Value::Map(fields), serde_json::Value::Object(theirs)) => {
            // Of a name given twice both find the last, and core takes null for nothing.
            fields.len() >= theirs.len()
                && theirs.iter().all(|(name, theirs)| match ours.field(name) {
                    Some(ours) => same(ours, theirs),
                    None => theirs.is_null(),
                })
        }
        _ => false,
    }
}

/// Levels of lists and objects.
fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// An access token: what core reads of its claims beside what the `base64` crate finds.
pub fn jwt(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return;
    }
    let grant = refreshed(token);
    let claims = claims(token);
    let text = |name| claims.as_ref().and_then(|claims| claims.string(name));
    let seconds = |name| claims.as_ref().and_then(|claims| claims.seconds(name));
    let lifetime = seconds("exp").zip(seconds("iat")).and_then(|(exp, iat)| exp.checked_sub(iat));
    assert_eq!(grant.lifetime, lifetime.filter(|lifetime| *lifetime > 0));
    assert_eq!(grant.organization.as_deref(), text("org_id"));
    assert_eq!(grant.access_token.expose_secret(), token);
}

fn claims(token: &str) -> Option<Value> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts[..] else { return None };
    let claims = parse_json(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    matches!(claims, Value::Map(_)).then_some(claims)
}

/// What a refresh at WorkOS makes of an access token.
fn refreshed(token: &str) -> Grant {
    let provider = provider(Dialect::WorkOs(Encoding::Json));
    let mut refresh = Refresh::new(provider, Secret::new("r".to_owned()), None, parse_json);
    let now = Instant::from_millis(0);
    let Ok(Action::Send(_)) = refresh.step(Input::Tick, now) else { panic!("nothing is sent") };
    let body = serde_json::json!({"access_token": token}).to_string().into_bytes();
    let response = Response {
        status: 200,
        headers: Vec::new(),
        date: None,
        retry_after: 0,
        body: body.into(),
    };
    match refresh.step(Input::Response(Ok(Box::new(response))), now) {
        Ok(Action::Done(grant)) => *grant,
        other => panic!("{other:?}"),
    }
}

/// Text of a server, as it is shown.
pub fn printable(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let shown = shown(&text);
    assert!(shown.chars().count() <= 200);
    for c in shown.chars() {
        assert!(!c.is_control(), "{shown:?}");
        // Marks, embeddings, overrides and isolates of direction; what has no width; line and
        // paragraph separators; tags.
        let hides = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0001}'..='\u{e007f}');
        assert!(!hides, "{shown:?}");
    }
    // Nothing else is lost of a text that is short.
    if text.chars().count() <= 200 && text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        assert_eq!(shown, text);
    }
}
