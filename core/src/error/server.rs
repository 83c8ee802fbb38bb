use std::fmt;

use crate::Secret;
use crate::wire::{Value, concat, digits};

/// The server's own words, made safe to show: one line of at most 200 printable characters each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// `error` (RFC 6749 §5.2) or WorkOS's `code`; of an API that has none, `http_` and the status
    pub code: String,
    /// `error_description` or `message`
    pub description: Option<String>,
    /// The HTTP status; zero for an error that came by way of the browser
    pub status: u16,
}

impl ServerError {
    /// Reads both shapes: `{error, error_description}` and `{code, message}`.
    ///
    /// A server may quote what it refuses, so what was `sent` is taken out.
    pub(crate) fn from_body(body: &Value, status: u16, sent: &[&Secret]) -> Option<Box<Self>> {
        let (code, description) = match body.string("error") {
            Some(code) => (code, body.string("error_description").or(body.string("message"))),
            None => (body.string("code")?, body.string("message")),
        };
        let code = safe(code, sent);
        let description = description.map(|text| safe(text, sent));
        (!code.is_empty()).then(|| Box::new(Self { code, description, status }))
    }

    /// The error of an API whose own words are a `message` at most, and a `code` with luck.
    pub(crate) fn of_api(
        code: Option<&str>,
        message: Option<&str>,
        status: u16,
        sent: &[&Secret],
    ) -> Box<Self> {
        let code = code.map(|code| safe(code, sent)).filter(|code| !code.is_empty());
        let code = code.unwrap_or_else(|| concat(&["http_", &digits(status.into())]));
        Box::new(Self { code, description: message.map(|text| safe(text, sent)), status })
    }

    /// The error that the browser brought back (RFC 6749 §4.1.2.1) from a request with `state`.
    pub(crate) fn of_callback(code: &str, description: Option<&str>, state: &Secret) -> Box<Self> {
        let description = description.map(|text| safe(text, &[state]));
        Box::new(Self { code: safe(code, &[state]), description, status: 0 })
    }

    pub(super) fn message(&self) -> String {
        match self.description.as_deref().unwrap_or_default() {
            "" => self.code.clone(),
            // The sentence goes on behind the server's.
            description => {
                let description = description.strip_suffix('.').unwrap_or(description);
                concat(&[description, " (", &self.code, ")"])
            }
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for ServerError {}

/// `text` made safe to show, in answer to a request with the secrets `sent`.
fn safe(text: &str, sent: &[&Secret]) -> String {
    // First: what is taken out later would join the halves of a secret.
    let mut text = visible(text, usize::MAX);
    for secret in sent {
        text = without(&text, secret.expose_secret());
    }
    printable(&text)
}

/// `text` with `[redacted]` for each `secret` in it.
fn without(text: &str, secret: &str) -> String {
    let mut safe = String::new();
    let mut rest = text;
    // What is shorter is no secret, and would be found in ordinary words.
    while secret.len() >= 8
        && let Some(at) = rest.as_bytes().windows(secret.len()).position(|s| s == secret.as_bytes())
        && let Some((before, found)) = rest.split_at_checked(at)
    {
        safe.push_str(before);
        safe.push_str("[redacted]");
        rest = found.strip_prefix(secret).unwrap_or_default();
    }
    safe.push_str(rest);
    safe
}

/// `text` of a server without what could act on a terminal or hide other text, cut at 200
/// characters.
pub fn printable(text: &str) -> String {
    visible(text, 200)
}

fn visible(text: &str, most: usize) -> String {
    let mut safe = String::new();
    for (at, c) in text.char_indices().filter(|(_, c)| !is_unprintable(*c)).take(most) {
        safe.push_str(text.get(at..at + c.len_utf8()).unwrap_or_default());
    }
    safe
}

/// Whether `c` could act on a terminal or hide other text: control characters, and the Unicode ones
/// that reorder or hide text.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
}
