//! What crosses the edge: JSON as values, and forms.
//!
//! JSON text is the platform's: `serde_json` natively, the page's `JSON.parse` in a browser. Core
//! sees a [`Value`], and asks the platform's [`ParseJson`] for the claims inside a JWT.

use std::fmt;

use zeroize::Zeroizing;

/// How deep a value may nest; a platform's parser answers [`Malformed`] for more.
pub const MAX_DEPTH: usize = 32;

/// The platform's JSON parser: UTF-8 text to a value no deeper than [`MAX_DEPTH`].
///
/// Of a name that is given twice the last one counts.
pub type ParseJson = fn(&[u8]) -> Result<Value, Malformed>;

/// Text that is not JSON, not UTF-8, or nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is not JSON")
    }
}

impl std::error::Error for Malformed {}

/// A JSON value. Its strings are wiped when dropped, since any of them may be a token.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; whole numbers are exact up to 2⁵³.
    Number(f64),
    /// A string
    String(Zeroizing<String>),
    /// An array
    List(Vec<Self>),
    /// An object, in the order of its text
    Map(Vec<(String, Self)>),
}

impl Value {
    /// An object of the fields that are there.
    pub fn map<const N: usize>(fields: [(&str, Option<Self>); N]) -> Self {
        Self::Map(
            fields
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect(),
        )
    }

    /// Adds the field `name` to an object, if there is a `value`.
    pub fn put(&mut self, name: &str, value: Option<impl Into<Self>>) {
        if let (Self::Map(fields), Some(value)) = (self, value) {
            fields.push((name.to_owned(), value.into()));
        }
    }

    /// The field `name` of an object; `null` counts as absent.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Map(fields) = self else { return None };
        let (_, value) = fields.iter().rev().find(|(field, _)| field == name)?;
        (!matches!(value, Self::Null)).then_some(value)
    }

    /// The field `name`, if it is a string.
    pub fn string(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str()
    }

    /// The field `name` of an object, to change it.
    pub fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Self::Map(fields) = self else { return None };
        fields.iter_mut().rev().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// Sets the field `name` of an object, or removes it; the order of the others stays.
    pub fn set(&mut self, name: &str, value: Option<Self>) {
        let Self::Map(fields) = self else { return };
        let Some(value) = value else { return fields.retain(|(field, _)| field != name) };
        match fields.iter_mut().rev().find(|(field, _)| field == name) {
            Some((_, old)) => *old = value,
            None => fields.push((name.to_owned(), value)),
        }
    }

    /// The object in the field `name` of an object, begun if there is none; a value that is no
    /// object becomes one.
    pub fn object(&mut self, name: &str) -> &mut Self {
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(fields) = self else { return self };
        let index = fields.iter().rposition(|(field, _)| field == name).unwrap_or_else(|| {
            fields.push((name.to_owned(), Self::Null));
            fields.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the index was found or made just now")]
        let (_, value) = &mut fields[index];
        if !matches!(value, Self::Map(_)) {
            *value = Self::Map(Vec::new());
        }
        value
    }

    /// Takes the string `name` out, so that no second copy of a secret remains.
    pub fn take_string(&mut self, name: &str) -> Option<Zeroizing<String>> {
        match self.field_mut(name)? {
            Self::String(text) => Some(std::mem::take(text)),
            _ => None,
        }
    }

    /// The field `name` as whole, non-negative seconds. Some servers send them as a string.
    pub fn seconds(&self, name: &str) -> Option<u64> {
        let number = match self.field(name)? {
            Self::Number(number) => *number,
            Self::String(text) => decimal(text.as_bytes())?.into(),
            _ => return None,
        };
        // 2^53: the last whole number that a JSON number holds exactly.
        (0.0..=9_007_199_254_740_992.0).contains(&number).then_some(number as u64)
    }

    /// This value, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// This value's elements, if it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(Zeroizing::new(text.to_owned()))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number as f64)
    }
}

/// The shape only: any string may be a secret.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::String(_) => f.write_str("[string]"),
            Self::List(values) => f.debug_list().entries(values).finish(),
            Self::Map(fields) => f.debug_map().entries(fields.iter().map(|(k, v)| (k, v))).finish(),
        }
    }
}

/// All `parts` in one text, made at its full size: growing could leave copies of a secret behind.
///
/// The standard library's is made for every type, which is ten times as much for a page to load.
pub fn concat(parts: &[&str]) -> String {
    let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        text.push_str(part);
    }
    text
}

/// `text` as a number, if it is nothing but digits.
pub(crate) fn decimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// `number` in decimal.
pub(crate) fn digits(number: u64) -> String {
    let mut text = if number < 10 { String::new() } else { digits(number / 10) };
    text.push_str(unreserved((number % 10) as usize));
    text
}

/// RFC 3986 §2.3, in the order of the digits that they are.
const UNRESERVED: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~";

/// One of them. To push it as a `char` would have a page load the encoding of all of Unicode.
fn unreserved(at: usize) -> &'static str {
    UNRESERVED.get(at..=at).unwrap_or_default()
}

/// `application/x-www-form-urlencoded` text of `fields` (WHATWG URL, §5.2).
pub(crate) fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    // Reserved at its largest size: growing would leave copies of a secret behind.
    let size = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut out = Zeroizing::new(String::with_capacity(size));
    for (name, value) in fields {
        percent_encode(if out.is_empty() { "" } else { "&" }, name, &mut out);
        percent_encode("=", value, &mut out);
    }
    out
}

/// Appends `text` after `before`, and of it everything but the unreserved characters encoded, which
/// is right for forms and queries alike.
fn percent_encode(before: &str, text: &str, out: &mut String) {
    out.push_str(before);
    for byte in text.bytes() {
        match UNRESERVED.bytes().position(|plain| plain == byte) {
            Some(at) => out.push_str(unreserved(at)),
            None => {
                let (high, low) = (unreserved((byte >> 4).into()), unreserved((byte & 15).into()));
                out.push_str(&concat(&["%", high, low]));
            }
        }
    }
}

/// The fields of `application/x-www-form-urlencoded` text (WHATWG URL, §5.1); `None` if it is not
/// UTF-8.
pub(crate) fn form_fields(text: &str) -> Option<Vec<(String, Zeroizing<String>)>> {
    let mut fields = Vec::new();
    for field in text.split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        fields.push((percent_decode(name)?.to_string(), percent_decode(value)?));
    }
    Some(fields)
}

fn percent_decode(text: &str) -> Option<Zeroizing<String>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let byte = match (byte, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    (high << 4) | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        };
        decoded.push(byte);
    }
    String::from_utf8(std::mem::take(&mut *decoded)).ok().map(Zeroizing::new)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
