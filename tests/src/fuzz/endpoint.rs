use astropass::Endpoint;
use url::Url;

/// A URL, and behind a line end a path to join to it: [`Endpoint`] beside the `url` crate.
///
/// What is accepted means the same to both, and is what it is written as.
pub fn endpoint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, path) = text.split_once('\n').unwrap_or((text, "a"));
    let Ok(endpoint) = Endpoint::parse(text) else { return };
    same(&endpoint, text);
    if let Ok(joined) = endpoint.join(path) {
        same(&joined, joined.as_str());
        let below = format!("{}/", endpoint.path().trim_end_matches('/'));
        assert!(joined.path().starts_with(&below), "{joined} is not below {endpoint}");
        assert!(endpoint.check_same_origin(&joined).is_ok());
    }
    let printed = format!("{endpoint:?}");
    assert!(!printed.contains('?'), "the query is printed");
}

fn same(endpoint: &Endpoint, text: &str) {
    // `url` decodes names in Punycode and refuses some; to core they are names as any other.
    if endpoint.host().split('.').any(|label| label.starts_with("xn--")) {
        return;
    }
    let url = Url::parse(text).expect("the standard refuses it");
    assert_eq!(endpoint.as_str(), url.as_str());
    assert_eq!(endpoint.origin(), url.origin().ascii_serialization());
    assert_eq!(Some(endpoint.host()), url.host_str());
    assert_eq!(endpoint.path(), url.path());
    assert_eq!(endpoint.is_https(), url.scheme() == "https");
    assert!(url.username().is_empty() && url.password().is_none());
    assert!(url.fragment().is_none());
    assert!(endpoint.is_https() || endpoint.is_loopback());
    assert_eq!(Endpoint::parse(endpoint.as_str()).as_ref(), Ok(endpoint));
}
