use std::ffi::OsStr;

use astropass::diagnose::ProxyVariable;
use astropass::{Account, Domain, Error, RedirectUri, ReqwestHttp, Timestamp};
use url::Url;

use super::Bytes;

/// What people write and servers answer, beside the parsers of others: the first byte says which.
pub fn native_text(data: &[u8]) {
    let mut bytes = Bytes(data);
    let parser = bytes.choose(&[accounts, domain, proxy, redirect_uri, retry_after]);
    parser(bytes.0);
}

/// The answer of `/api/v1/me`.
fn accounts(data: &[u8]) {
    let body = serde_json::from_slice::<serde_json::Value>(data);
    let theirs = body.as_ref().ok().and_then(|body| body.get("accounts")?.as_array());
    match Account::list(data) {
        Ok(accounts) => {
            // What has no id or no name is left out.
            let text =
                |account: &serde_json::Value, name| Some(account.get(name)?.as_str()?.to_owned());
            let named = |it| Some((text(it, "id")?, text(it, "name")?));
            let theirs: Vec<_> = theirs.unwrap().iter().filter_map(named).collect();
            let ours: Vec<_> = accounts.into_iter().map(|it| (it.id, it.name)).collect();
            assert_eq!(ours, theirs);
        }
        Err(Error::MalformedResponse(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
}

/// A domain that somebody signs in to: the hosts that it stands for are those of its own name.
fn domain(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(domain) = Domain::parse(text) else {
        assert!(Domain::parse_override(text).is_err());
        return;
    };
    let name = domain.name();
    assert_eq!(Domain::parse(name).as_ref(), Ok(&domain), "its name is another domain");
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
    assert!(name.bytes().all(is_plain), "{name}");
    let lower = text.to_ascii_lowercase();
    assert!(
        [lower.as_str(), lower.trim_start_matches("cloud.")].contains(&name),
        "{text} is {name}"
    );
    for endpoint in [domain.api(), domain.token_page()].into_iter().flatten() {
        let is_below = endpoint.host().ends_with(&format!(".{name}"));
        assert!(is_below && endpoint.is_https() || endpoint.is_loopback(), "{endpoint:?}");
    }
}

/// `HTTPS_PROXY`, as `doctor` shows it: no user, no password, nothing that acts on a terminal.
fn proxy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(shown) = ProxyVariable::read("HTTPS_PROXY", OsStr::new(text)).value else { return };
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let (_, authority) = shown.split_once("://").unwrap();
    assert!(!authority.contains(['@', '/', '?', '#']), "{shown}");
    let after_user = text.rsplit('@').next().unwrap();
    assert!(after_user.contains(authority), "{shown} is not all from behind the user");
}

/// A redirect URI: it means the same to a browser, and that is this machine.
fn redirect_uri(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(uri) = text.parse::<RedirectUri>() else { return };
    assert_eq!(uri.as_str(), text);
    let url = Url::parse(text).expect("the standard refuses it");
    assert_eq!(url.scheme(), "http");
    assert!(["127.0.0.1", "[::1]", "localhost"].contains(&url.host_str().unwrap()), "{url}");
    assert!(url.query().is_none() && url.fragment().is_none());
    assert!(url.username().is_empty() && url.password().is_none());
    // The standard leaves the usual port out.
    assert_eq!(uri.port().filter(|port| *port != 80), url.port());
}

/// `Retry-After`, in an answer of a known date and in one without.
fn retry_after(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if ReqwestHttp::retry_after(text, None).is_some() {
        assert!(is_number(text.trim()), "{text:?} is no number of seconds");
    }
    let date = Timestamp::from_unix(1_800_000_000);
    if let Some(seconds) = ReqwestHttp::retry_after(text, Some(date))
        && !is_number(text.trim())
    {
        // The last second of the year 9999.
        assert!(seconds <= 253_402_300_799 - 1_800_000_000, "{text:?} is in {seconds} s");
    }
}
