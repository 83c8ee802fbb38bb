use std::env;
use std::ffi::OsStr;

/// A variable that names a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyVariable {
    /// As it is spelled in the environment
    pub name: &'static str,
    /// What it says without user name and password; `None` if it does not name a proxy
    pub value: Option<String>,
}

/// Those that [`ReqwestHttp`](crate::ReqwestHttp) heeds for `https`, the spelling that wins first.
/// `http`, which is for loopback, goes past any proxy.
const HEEDED: [[&str; 2]; 3] =
    [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"], ["NO_PROXY", "no_proxy"]];

/// The proxy variables that are set and heeded.
pub fn proxies() -> Vec<ProxyVariable> {
    HEEDED
        .into_iter()
        .filter_map(|spellings| {
            spellings.into_iter().find_map(|name| Some((name, env::var_os(name)?)))
        })
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| ProxyVariable::read(name, &value))
        .collect()
}

impl ProxyVariable {
    /// Public only so that the tests can fuzz it.
    #[doc(hidden)]
    pub fn read(name: &'static str, value: &OsStr) -> Self {
        let value = value.to_str().and_then(|value| match name {
            "NO_PROXY" | "no_proxy" => Some(value.to_owned()),
            _ => without_user(value),
        });
        Self { name, value }
    }
}

/// Scheme, host and port of a proxy's URL. All else could be part of a password, as a slash in one
/// that nobody encoded.
fn without_user(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let rest = rest.rsplit('@').next()?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => is_made_of(address, b":."),
        None => is_made_of(host, b"-._"),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (is_scheme && is_host && is_port).then(|| format!("{scheme}://{authority}"))
}

/// Whether `text` is there, and has nothing but letters, digits and `others` in it.
fn is_made_of(text: &str, others: &[u8]) -> bool {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    !text.is_empty() && text.bytes().all(is_one)
}
