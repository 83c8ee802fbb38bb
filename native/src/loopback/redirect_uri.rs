use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use astropass_core::Endpoint;

/// A redirect URI on this machine, as it is registered for the client (RFC 8252 §7.3): `http`, on
/// `127.0.0.1`, `[::1]` or `localhost`, without a query. Without a port it stands for any free one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    /// As it was given: servers compare it byte for byte (RFC 9700 §2.1).
    text: String,
    host: Host,
    port: Option<u16>,
    /// Where in `text` the port would be.
    port_at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    V4,
    V6,
    /// `localhost`: browsers may take either family.
    Name,
}

/// A text that is no redirect URI on this machine, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRedirectUri(&'static str);

impl fmt::Display for InvalidRedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the redirect URI cannot be used: {}", self.0)
    }
}

impl std::error::Error for InvalidRedirectUri {}

impl RedirectUri {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The port, if it is a certain one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The addresses that a browser may come to.
    pub(super) fn addresses(&self) -> &'static [IpAddr] {
        const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
        match self.host {
            Host::V4 => &[V4],
            Host::V6 => &[V6],
            Host::Name => &[V4, V6],
        }
    }

    /// The redirect URI of a login whose listener has `port`.
    pub(super) fn with_port(&self, port: u16) -> String {
        if self.port.is_some() {
            return self.text.clone();
        }
        let (before, after) = self.text.split_at_checked(self.port_at).unwrap_or((&self.text, ""));
        format!("{before}:{port}{after}")
    }
}

impl FromStr for RedirectUri {
    type Err = InvalidRedirectUri;

    fn from_str(text: &str) -> Result<Self, InvalidRedirectUri> {
        let scheme = text.get(.."http://".len()).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("http://") {
            let problem = "it must begin with http://, since nobody here has a certificate";
            return Err(InvalidRedirectUri(problem));
        }
        // Which hosts may have `http` is a question of its own here.
        let as_https = format!("https://{}", text.get(scheme.len()..).unwrap_or_default());
        let url = Endpoint::parse(&as_https).map_err(|error| InvalidRedirectUri(error.reason()))?;
        if text.contains('?') {
            return Err(InvalidRedirectUri("it has a query"));
        }
        let host = match url.host() {
            "127.0.0.1" => Host::V4,
            "[::1]" => Host::V6,
            "localhost" => Host::Name,
            _ => {
                let problem = "its host is not localhost, 127.0.0.1 or [::1]";
                return Err(InvalidRedirectUri(problem));
            }
        };
        let port_at = scheme.len() + url.host().len();
        let after_host = text.get(port_at..).unwrap_or_default();
        let port = after_host.strip_prefix(':').map(|rest| {
            let digits = rest.split('/').next().unwrap_or_default();
            digits.parse().map_err(|_| InvalidRedirectUri("its port is no number"))
        });
        Ok(Self { text: text.to_owned(), host, port: port.transpose()?, port_at })
    }
}
