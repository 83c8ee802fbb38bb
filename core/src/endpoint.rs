use std::fmt;

use crate::wire::percent_encode;

/// The only kind of URL that a request may go to, or that is opened for a user.
///
/// It accepts what RFC 3986 and the WHATWG URL standard read alike, and holds it as the latter
/// writes it: `https`, or `http` on a loopback host; visible ASCII; no user info, backslash,
/// fragment, dot segment or IPv6 literal but `[::1]`; a name of `[a-z0-9.-]` whose last label is
/// not a number, or a plain dotted quad; port 1–65535.
///
/// `Debug` leaves out the query, which may hold a user code or a session id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    text: String,
    /// Where `text`'s scheme, host and origin end.
    scheme_end: usize,
    host_end: usize,
    origin_end: usize,
}

/// A URL that [`Endpoint`] refuses, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUrl(&'static str);

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the URL cannot be used: {}", self.0)
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
        let (scheme, rest) = url.split_once("://").ok_or(InvalidUrl("it has no https://"))?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err(InvalidUrl("its scheme is not https"));
        }
        let authority_end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(authority_end);
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        let loopback = check_host(&host)?;
        if !https && !loopback {
            return Err(InvalidUrl(
                "http:// is for localhost, 127.0.0.1 and [::1] only; use https://",
            ));
        }
        check_tail(tail)?;

        let mut text = format!("{}://", if https { "https" } else { "http" });
        let scheme_end = text.len();
        text.push_str(&host);
        let host_end = text.len();
        if let Some(port) = port.filter(|port| *port != if https { 443 } else { 80 }) {
            text.push_str(&format!(":{port}"));
        }
        let origin_end = text.len();
        if !tail.starts_with('/') {
            text.push('/');
        }
        text.push_str(tail);
        Ok(Self { text, scheme_end, host_end, origin_end })
    }

    /// The URL as the WHATWG URL standard writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port (RFC 6454 §4), such as `https://api.example.com`.
    pub fn origin(&self) -> &str {
        self.text.split_at(self.origin_end).0
    }

    /// The host in lower case, `[::1]` with its brackets.
    pub fn host(&self) -> &str {
        self.text.split_at(self.host_end).0.split_at(self.scheme_end).1
    }

    /// Whether the URL names this machine.
    pub fn is_loopback(&self) -> bool {
        matches!(self.host(), "localhost" | "127.0.0.1" | "[::1]")
    }

    /// Whether this is TLS.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
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
        let base = self.text.split('?').next().unwrap_or_default().trim_end_matches('/');
        Self::parse(&format!("{base}/{}", path.trim_start_matches('/')))
    }

    /// The URL with `name=value` added to its query.
    pub(crate) fn with_query(&self, name: &str, value: &str) -> Result<Self, InvalidUrl> {
        let mut text = self.text.clone();
        text.push(if text.contains('?') { '&' } else { '?' });
        percent_encode(name, &mut text);
        text.push('=');
        percent_encode(value, &mut text);
        Self::parse(&text)
    }

    /// The path, which starts with `/`.
    pub fn path(&self) -> &str {
        self.text.split_at(self.origin_end).1.split('?').next().unwrap_or_default()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.split('?').next().unwrap_or_default())
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), InvalidUrl> {
    if authority.contains('@') {
        return Err(InvalidUrl("it has a user name in it"));
    }
    // Behind the bracket of an IPv6 literal, or else the only colon there may be.
    let from = authority.find(']').map_or(0, |bracket| bracket + 1);
    let Some(colon) = authority.split_at(from).1.find(':') else { return Ok((authority, None)) };
    let (host, port) = authority.split_at(from + colon);
    let digits = port.trim_start_matches(':');
    if port.len() != digits.len() + 1 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidUrl("its port is not a number"));
    }
    match digits.parse::<u16>() {
        Ok(port) if port != 0 => Ok((host, Some(port))),
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
    if host.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err(InvalidUrl("its host has an empty or overlong part"));
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    // The WHATWG parser reads such a host as an IPv4 address, in octal and hexadecimal as well.
    if last.bytes().all(|b| b.is_ascii_digit()) {
        let quad = host.split('.').map(|part| (part, part.parse::<u8>()));
        if host.split('.').count() != 4
            || quad
                .into_iter()
                .any(|(part, value)| value.is_err() || (part.len() > 1 && part.starts_with('0')))
        {
            return Err(InvalidUrl("its host is an unusual form of an IP address"));
        }
    } else if last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return Err(InvalidUrl("its host is an unusual form of an IP address"));
    }
    Ok(false)
}

/// Path and query: the characters of RFC 3986 §3.3 and §3.4 that no parser rewrites.
fn check_tail(tail: &str) -> Result<(), InvalidUrl> {
    if tail.contains('#') {
        return Err(InvalidUrl("it has a fragment (#)"));
    }
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let mut bytes = tail.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let hex = [bytes.next(), bytes.next()];
                if !hex.iter().all(|digit| digit.is_some_and(|d| d.is_ascii_hexdigit())) {
                    return Err(InvalidUrl("it has a % that encodes nothing"));
                }
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => {}
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b',' => {}
            b';' | b'=' | b':' | b'@' | b'/' | b'?' | b'\'' => {}
            _ => return Err(InvalidUrl("it has characters that a URL must encode")),
        }
    }
    if query.contains('\'') {
        return Err(InvalidUrl("it has characters that a URL must encode"));
    }
    let dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    };
    if path.split('/').any(dots) {
        return Err(InvalidUrl("its path has . or .. in it"));
    }
    Ok(())
}
