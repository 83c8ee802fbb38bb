//! Data goes to standard output, words for people to standard error, in colour on a terminal only.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};
use astropass::{Account, Named, Timestamp, User, is_unprintable};
use serde_json::{Value, json};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
/// White that is drawn on black.
pub(crate) const PAPER: Style =
    AnsiColor::BrightWhite.on_default().bg_color(Some(Color::Ansi(AnsiColor::Black)));
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// The first failure to write to standard output.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Why standard output is not whole, if it is not.
pub(crate) fn failure() -> Option<&'static io::Error> {
    FAILED.get()
}

/// Takes note of a failure. A reader that closed the pipe wants no more; that is none.
pub(crate) fn wrote(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // Later ones have the same cause.
        let _ = FAILED.set(error);
    }
}

/// Writes `text` to standard output as it is.
pub(crate) fn data(text: &str) {
    let mut out = io::stdout().lock();
    wrote(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes a line for people to standard output, where it was asked for.
pub(crate) fn line(text: &str) {
    let mut out = anstream::stdout().lock();
    wrote(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Writes one JSON object a line to standard output.
pub(crate) fn json(value: &Value) {
    let plain = value.to_string();
    let mut line = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        // JSON lets these stand as they are, and a terminal acts on them.
        if is_unprintable(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    data(&line);
}

/// Tells a person something on standard error.
pub(crate) fn note(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// Warns a person on standard error.
pub(crate) fn warn(text: &str) {
    note(&format!("{YELLOW}!{YELLOW:#} {text}"));
}

/// RFC 3339 in UTC.
pub(crate) fn rfc3339(moment: Timestamp) -> Option<String> {
    let seconds = u64::try_from(moment.as_unix()).ok()?;
    // The last second that the format can hold is in the year 9999.
    let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799));
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// This moment, by the system's clock.
pub(crate) fn now() -> Timestamp {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix(i64::try_from(now).unwrap_or(i64::MAX))
}

/// A time in the future or the past, in words.
pub(crate) fn relative(moment: Timestamp) -> String {
    let left = moment.since(now());
    let span = humantime::format_duration(coarse(left.unsigned_abs()));
    if left > 0 { format!("in {span}") } else { format!("{span} ago") }
}

/// The two largest units are enough for people.
fn coarse(seconds: u64) -> Duration {
    let unit = match seconds {
        0..3600 => 1,
        3600..86400 => 60,
        _ => 3600,
    };
    Duration::from_secs(seconds - seconds % unit)
}

pub(crate) fn user_json(user: Option<&User>) -> Value {
    user.map_or(Value::Null, |user| json!({"id": user.id, "email": user.email, "name": user.name}))
}

pub(crate) fn named_json(named: Option<&Named>) -> Value {
    named.map_or(Value::Null, |named| json!({"id": named.id, "name": named.name}))
}

pub(crate) fn account_json(account: Option<&Account>) -> Value {
    account.map_or(Value::Null, |account| {
        json!({
            "id": account.id,
            "name": account.name,
            "type": account.kind,
            "role": account.role,
            "organization": account.organization,
        })
    })
}
