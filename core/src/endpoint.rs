use std::fmt;
use std::sync::Arc;

use crate::wire::{concat, decimal, form};

/// The only kind of URL that a request may go to, or that is opened for a user.
///
/// It accepts what RFC 3986 and the WHATWG URL standard read alike, and holds it as the latter
/// writes it: `https`, or `http` on a loopback host; visible ASCII; no user info, backslash,
/// fragment, dot segment or IPv6 literal but `[::1]`; a name of `[a-z0-9.-]` whose last label is
/// not a number, or a plain dotted quad; port 1–65535.
///
/// `Debug` leaves out the query, which may hold a user code or a session id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(Arc<str>);

/// A URL that [`Endpoint`] refuses, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUrl(&'static str);

impl InvalidUrl {
    /// A whole URL, or more of one, where only a host is asked for.
    pub(crate) const NOT_A_HOST: Self = Self("it is more than a host name");
    /// A domain whose hosts, such as `api.<domain>`, cannot be.
    pub(crate) const NO_HOSTS_BELOW: Self =
        Self("it is an IP address or too long, so no host can be below it");
    /// An id that could lead out of its place in a path.
    pub(crate) const NOT_AN_ID: Self = Self("an id in it has characters that no id has");

    /// What is wrong with it.
    pub fn reason(self) -> &'static str {
        self.0
    }

    pub(crate) fn message(self) -> String {
        concat(&["the URL cannot be used: ", self.0])
    }
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for InvalidUrl {}

impl Endpoint {
    /// Parses an absolute URL.
    ///
    /// Scheme and host are lower-cased, a default port is dropped and an empty path becomes `/`.
    ///
    /// # Errors
    /// Says which part is refused, and never repeats the URL.
    pub fn parse(url: &str) -> Result<Self, InvalidUrl> {
        if url.len() > 8192 {
            return Err(InvalidUrl("it is longer than 8192 characters"));
        }
        let (scheme, rest) = scheme_of(url).ok_or(InvalidUrl("it has no https://"))?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err(InvalidUrl("its scheme is not https"));
        }
        let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'\\');
        let (authority, tail) = split_where(rest, ends);
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        let loopback = check_host(&host)?;
        if !https && !loopback {
            return Err(InvalidUrl(
                "http:// is for localhost, 127.0.0.1 and [::1] only; use https://",
            ));
        }
        check_tail(tail)?;

        let scheme = if https { "https://" } else { "http://" };
        let (colon, port) = match port {
            Some((port, digits)) if port != if https { 443 } else { 80 } => (":", digits),
            _ => ("", ""),
        };
        let slash = if tail.starts_with("/") { "" } else { "/" };
        Ok(Self(concat(&[scheme, &host, colon, port, slash, tail]).into()))
    }

    /// The URL as the WHATWG URL standard writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port (RFC 6454 §4), such as `https://api.example.com`.
    pub fn origin(&self) -> &str {
        self.split_path().0
    }

    /// The host in lower case, `[::1]` with its brackets.
    pub fn host(&self) -> &str {
        let (_, authority) = scheme_of(self.origin()).unwrap_or_default();
        split_port(authority).map_or(authority, |(host, _)| host)
    }

    fn split_path(&self) -> (&str, &str) {
        let scheme = if self.is_https() { "https://" } else { "http://" };
        let authority = self.0.bytes().skip(scheme.len()).position(|byte| byte == b'/');
        let end = scheme.len() + authority.unwrap_or_default();
        self.0.split_at_checked(end).unwrap_or_default()
    }

    fn without_query(&self) -> &str {
        split_where(&self.0, |byte| *byte == b'?').0
    }

    /// Whether the URL names this machine.
    pub fn is_loopback(&self) -> bool {
        matches!(self.host(), "localhost" | "127.0.0.1" | "[::1]")
    }

    /// Whether this is TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// That `url` is on this server too, so that a token for the one may go to the other.
    ///
    /// # Errors
    /// If scheme, host or port differ.
    pub fn check_same_origin(&self, url: &Self) -> Result<(), InvalidUrl> {
        if self.origin() == url.origin() {
            return Ok(());
        }
        Err(InvalidUrl("it is not on the API server that the token is for"))
    }

    /// The URL whose path is this one's and `path` behind it; the query is dropped.
    ///
    /// # Errors
    /// If `path` has characters that a path cannot have.
    pub fn join(&self, path: &str) -> Result<Self, InvalidUrl> {
        let base = without_slashes(self.without_query());
        let mut path = path;
        while let Some(rest) = path.strip_prefix("/") {
            path = rest;
        }
        Self::parse(&concat(&[base, "/", path]))
    }

    /// The URL with `fields` added to its query.
    pub(crate) fn with_fields(&self, fields: &[(&str, &str)]) -> Result<Self, InvalidUrl> {
        let added = form(fields);
        let between = if self.without_query() == self.as_str() { "?" } else { "&" };
        Self::parse(&concat(&[self.as_str(), between, &added]))
    }

    /// The path, which starts with `/`.
    pub fn path(&self) -> &str {
        split_where(self.split_path().1, |byte| *byte == b'?').0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.without_query())
    }
}

/// `text` before and from its first byte of ASCII that `is_end` holds for.
///
/// Pages load this crate, and a search for a byte is a tenth of what searching text takes.
fn split_where(text: &str, is_end: impl Fn(&u8) -> bool) -> (&str, &str) {
    let end = text.as_bytes().iter().position(is_end).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `text` up to the slashes at its end.
pub(crate) fn without_slashes(mut text: &str) -> &str {
    while let Some(rest) = text.strip_suffix("/") {
        text = rest;
    }
    text
}

/// What is around the `://`.
fn scheme_of(url: &str) -> Option<(&str, &str)> {
    let end = url.as_bytes().windows(3).position(|three| three == b"://")?;
    let (scheme, rest) = url.split_at_checked(end)?;
    Some((scheme, rest.strip_prefix("://")?))
}

/// The host, and the port with its digits in the usual form.
type HostAndPort<'a> = (&'a str, Option<(u32, &'a str)>);

fn split_port(authority: &str) -> Result<HostAndPort<'_>, InvalidUrl> {
    if authority.bytes().any(|byte| byte == b'@') {
        return Err(InvalidUrl("it has a user name in it"));
    }
    // Behind the bracket of an IPv6 literal, or else the only colon there may be.
    let bracket = authority.bytes().position(|byte| byte == b']').unwrap_or_default();
    let colon = authority.bytes().skip(bracket).position(|byte| byte == b':');
    let Some(colon) = colon else { return Ok((authority, None)) };
    let (host, port) = authority.split_at_checked(bracket + colon).unwrap_or_default();
    let digits = port.strip_prefix(":").unwrap_or_default();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidUrl("its port is not a number"));
    }
    let (_, digits) = split_where(digits, |byte| *byte != b'0');
    match decimal(digits.as_bytes()) {
        Some(port @ 1..=65535) => Ok((host, Some((port, digits)))),
        _ => Err(InvalidUrl("its port is not between 1 and 65535")),
    }
}

/// Whether `host`, which is in lower case, is this machine.
fn check_host(host: &str) -> Result<bool, InvalidUrl> {
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return Ok(true);
    }
    if host.is_empty() {
        return Err(InvalidUrl("it has no host"));
    }
    if host.len() > 253
        || !host.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
    {
        return Err(InvalidUrl("its host is not a plain name"));
    }
    let (mut labels, mut octets, mut last) = (0, 0, &b""[..]);
    for label in host.as_bytes().split(|byte| *byte == b'.') {
        if label.is_empty() || label.len() > 63 {
            return Err(InvalidUrl("its host has an empty or overlong part"));
        }
        labels += 1;
        octets += u32::from(is_octet(label));
        last = label;
    }
    let number = match last {
        [b'0', b'x', hex @ ..] => hex.iter().all(u8::is_ascii_hexdigit),
        // The WHATWG parser reads such a host as an IPv4 address, in octal and hexadecimal as well.
        last => last.iter().all(u8::is_ascii_digit) && (labels, octets) != (4, 4),
    };
    if number {
        return Err(InvalidUrl("its host is an unusual form of an IP address"));
    }
    Ok(false)
}

/// Whether `label` is a number of a dotted quad, in its usual form.
fn is_octet(label: &[u8]) -> bool {
    match label {
        [b'0', _, ..] => false,
        [_, _, _, _, ..] => false,
        digits => decimal(digits).is_some_and(|number| number < 256),
    }
}

/// Path and query: the characters of RFC 3986 §3.3 and §3.4 that no parser rewrites.
fn check_tail(tail: &str) -> Result<(), InvalidUrl> {
    if tail.bytes().any(|byte| byte == b'#') {
        return Err(InvalidUrl("it has a fragment (#)"));
    }
    let mut bytes = tail.bytes();
    let mut in_query = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let hex = [bytes.next(), bytes.next()];
                if !hex.iter().all(|digit| digit.is_some_and(|d| d.is_ascii_hexdigit())) {
                    return Err(InvalidUrl("it has a % that encodes nothing"));
                }
            }
            b'?' => in_query = true,
            b'\'' if in_query => {
                return Err(InvalidUrl("it has characters that a URL must encode"));
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => {}
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b',' => {}
            b';' | b'=' | b':' | b'@' | b'/' | b'\'' => {}
            _ => return Err(InvalidUrl("it has characters that a URL must encode")),
        }
    }
    let (path, _) = split_where(tail, |byte| *byte == b'?');
    if path.as_bytes().split(|byte| *byte == b'/').any(is_dots) {
        return Err(InvalidUrl("its path has . or .. in it"));
    }
    Ok(())
}

/// Whether a segment of a path is `.` or `..`, encoded or not.
fn is_dots(mut segment: &[u8]) -> bool {
    let mut dots = 0;
    while let [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] = segment {
        segment = rest;
        dots += 1;
    }
    segment.is_empty() && matches!(dots, 1 | 2)
}
