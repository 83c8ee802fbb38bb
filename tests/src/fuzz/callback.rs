use astropass::{Dialect, Error, Timestamp, parse_json};
use astropass_core::flow::{Entropy, Pending};
use url::Url;

use crate::machine::provider;

/// The URL that a browser came back to, with `$` for the login's own `state`: what is accepted is
/// what the `url` crate finds in it too.
pub fn callback(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // The standard takes those away, even within names.
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return;
    }
    let now = Timestamp::from_unix(1_800_000_000);
    let redirect_uri = "http://127.0.0.1:8000/callback";
    let entropy = Entropy::new([7; 48]);
    let begun = Pending::begin(provider(Dialect::Standard), redirect_uri, &[], &entropy, now);
    let (url, pending) = begun.unwrap();
    let url = Url::parse(url.as_str()).unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let text = text.replace('$', &state);
    let answers = pending.is_answered_by(&text);
    let finished = pending.finish(&text, now, parse_json);
    if let Err(error) = &finished {
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains(&state), "the state is printed");
        assert!(!printed.chars().any(char::is_control), "{printed:?}");
    }
    if !answers {
        assert!(matches!(finished, Err(Error::InvalidCallback(_))));
        return;
    }
    let url = Url::parse(text.trim()).expect("the standard refuses it");
    let expected = Url::parse(redirect_uri).unwrap();
    assert_eq!((url.origin(), url.path()), (expected.origin(), expected.path()));
    let values = |wanted: &str| -> Vec<String> {
        let pairs = url.query_pairs().filter(|(name, _)| name == wanted);
        pairs.map(|(_, value)| value.into_owned()).collect()
    };
    assert_eq!(values("state"), [state]);
    if finished.is_ok() {
        assert_eq!(values("iss"), ["https://op.example"]);
        assert!(values("error").iter().all(String::is_empty));
        assert!(values("code").len() == 1 && !values("code")[0].is_empty());
    }
}
