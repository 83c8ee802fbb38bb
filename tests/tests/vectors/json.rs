//! JSON text of values, and what a vector may write in place of text.

use astropass_core::wire::Value;

/// Compact JSON text of `value`.
pub(crate) fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(&value.to_string()),
        Value::Number(value) => out.push_str(&value.to_string()),
        Value::String(text) => write_string(text, out),
        Value::List(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        Value::Map(fields) => {
            out.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Replaces `{"$jwt": claims}` by a JWT with these claims, `{"$repeat": [text, n]}` by the text n
/// times, and `{"$list": [value, n]}` by a list that has the value n times.
pub(crate) fn expand(value: &Value) -> Value {
    match value {
        Value::List(values) => Value::List(values.iter().map(expand).collect()),
        Value::Map(fields) => {
            if let Some(claims) = value.field("$jwt") {
                return jwt(claims).as_str().into();
            }
            if let Some([Value::String(text), Value::Number(times)]) =
                value.field("$repeat").and_then(Value::as_list)
            {
                return text.repeat(*times as usize).as_str().into();
            }
            if let Some([value, Value::Number(times)]) =
                value.field("$list").and_then(Value::as_list)
            {
                return Value::List(vec![expand(value); *times as usize]);
            }
            Value::Map(fields.iter().map(|(name, value)| (name.clone(), expand(value))).collect())
        }
        other => other.clone(),
    }
}

fn jwt(claims: &Value) -> String {
    let payload = match claims {
        // Claims that are not an object, or not JSON.
        Value::String(text) => text.to_string(),
        claims => text(claims),
    };
    format!("{}.{}.c2lnbmF0dXJl", base64url(br#"{"alg":"RS256"}"#), base64url(payload.as_bytes()))
}

/// RFC 4648 §5 without padding.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            let sextet = (group >> (18 - 6 * index)) & 63;
            out.extend(ALPHABET.get(sextet as usize).map(|byte| char::from(*byte)));
        }
    }
    out
}

/// The fields of `application/x-www-form-urlencoded` text.
pub(crate) fn form(text: &str) -> Value {
    let fields = text.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (unescape(name), Value::from(unescape(value).as_str()))
    });
    Value::Map(fields.collect())
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| {
                    digit.and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0) as u8
                });
                bytes.push(digits[0] << 4 | digits[1]);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The same value, whatever the order of fields.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Map(one), Value::Map(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    other.iter().any(|(field, theirs)| field == name && same(value, theirs))
                })
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => left == right,
    }
}
