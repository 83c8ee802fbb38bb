//! `Endpoint` beside the `url` crate, which follows the WHATWG URL standard.

use astropass_core::Endpoint;
use proptest::prelude::*;
use url::Url;

use super::cases;

/// URLs made of the parts that parsers disagree about, and any text.
fn urls() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(
        &["https://", "http://", "HTTPS://", "https:/", "https:", "ws://", " https://", ""][..],
    );
    let host = prop_oneof![
        4 => "[a-zA-Z0-9.-]{1,20}",
        2 => prop::sample::select(&[
            "localhost", "LOCALHOST", "127.0.0.1", "[::1]", "[::01]", "127.1", "0x7f.1", "1.2.3.4",
            "01.2.3.4", "0x", "a.0x", "a.0xg", "a.0x1f", "example.com.", "a..b", "1e3", "a.1e3",
            "ex%61mple", "user@host", "[::1]x", "::1", "4294967295", "1.2.3.4.5", "256.1.1.1",
        ][..]).prop_map(str::to_owned),
        2 => r"[0-9x]{1,4}(\.[0-9x]{1,4}){0,4}",
        1 => any::<String>(),
    ];
    let port = prop_oneof![
        3 => Just(String::new()),
        2 => ":[0-9]{0,7}",
        1 => prop::sample::select(&[":443", ":80", ":0443", ":0", ":-1", ":", "::1"][..])
            .prop_map(str::to_owned),
    ];
    let tail = prop_oneof![
        2 => Just(String::new()),
        4 => r"[/?]([a-zA-Z0-9/?.=&%'_~!$()*+,;:@-]|%2[eEfF]|\.\.|/\.){0,24}",
        2 => r"[/?#\\][ -~]{0,16}",
        1 => any::<String>(),
    ];
    prop_oneof![
        8 => (scheme, host, port, tail).prop_map(|(a, b, c, d)| format!("{a}{b}{c}{d}")),
        1 => any::<String>(),
    ]
}

/// Names in Punycode are left out: `url` decodes them and refuses those that are not well formed.
/// Core has no such tables; it reads no such name as another one, and a client that cannot resolve
/// it only fails to connect.
fn has_punycode(endpoint: &Endpoint) -> bool {
    endpoint.host().split('.').any(|label| label.starts_with("xn--"))
}

/// The same texts go through the browser's `URL` in `wasm/tests/vectors.rs`.
#[test]
fn texts_that_parsers_disagree_about() {
    let text = include_bytes!("../../fuzz/endpoint-texts.json");
    let texts: Vec<String> = serde_json::from_slice(text).unwrap();
    texts.iter().for_each(|text| astropass_tests::fuzz::endpoint(text.as_bytes()));
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn what_is_accepted_means_the_same_to_the_url_standard(text in urls()) {
        let Ok(endpoint) = Endpoint::parse(&text) else { return Ok(()) };
        prop_assume!(!has_punycode(&endpoint));
        let url = Url::parse(&text).expect("the standard refuses it");
        prop_assert_eq!(endpoint.as_str(), url.as_str());
        prop_assert_eq!(endpoint.origin(), url.origin().ascii_serialization());
        prop_assert_eq!(Some(endpoint.host()), url.host_str());
        prop_assert_eq!(endpoint.path(), url.path());
        prop_assert_eq!(endpoint.is_https(), url.scheme() == "https");
        prop_assert!(url.username().is_empty() && url.password().is_none());
        prop_assert!(url.fragment().is_none());
        prop_assert!(endpoint.is_https() || endpoint.is_loopback());
        prop_assert_eq!(Endpoint::parse(endpoint.as_str()), Ok(endpoint.clone()));
    }

    #[test]
    fn a_joined_path_stays_below_its_base(
        base in urls(),
        path in prop_oneof!["[a-z/.%?2eE]{0,12}", r"[ -~]{0,16}", any::<String>()],
    ) {
        let Ok(base) = Endpoint::parse(&base) else { return Ok(()) };
        prop_assume!(!has_punycode(&base));
        let Ok(joined) = base.join(&path) else { return Ok(()) };
        prop_assert_eq!(joined.origin(), base.origin());
        let below = format!("{}/", base.path().trim_end_matches('/'));
        prop_assert!(joined.path().starts_with(&below), "{} below {}", joined, base);
        let url = Url::parse(joined.as_str()).expect("the standard refuses it");
        prop_assert_eq!(url.as_str(), joined.as_str());
    }

    #[test]
    fn debug_leaves_the_query_out(query in "[a-z]{12}") {
        let endpoint = Endpoint::parse(&format!("https://a.example/b?user_code={query}")).unwrap();
        let printed = format!("{endpoint:?}");
        prop_assert!(!printed.contains(&query));
    }
}
