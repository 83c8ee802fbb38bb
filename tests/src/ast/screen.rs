//! What a terminal was sent, where a server may have had a say in it.

/// A title, a colour, a link, text that runs backwards, and a line that hides the one before.
pub const EVIL: &str =
    "\u{1b}]0;title\u{7}\u{1b}[35mred\u{1b}]8;;https://evil.example\u{1b}\\\u{202e}\rover\u{9b}1m";

/// Nothing on the screen acts, hides or reorders; a carriage return is that of a line's end.
///
/// # Panics
/// If something does.
#[track_caller]
pub fn assert_plain(screen: &str) {
    let acts = |c: char| !"\r\n".contains(c) && astropass::is_unprintable(c);
    assert!(!screen.contains(acts), "{screen:?}");
    assert!(!screen.replace("\r\n", "\n").contains('\r'), "{screen:?}");
}

/// The screen of a terminal with colours, since without them those of others would be left out
/// too; it is plain once our own are taken away.
///
/// # Panics
/// If it is not.
#[track_caller]
pub fn without_own_styles(screen: &str) -> String {
    let mut screen = screen.to_owned();
    // The line with the time left goes back to its beginning, and is cut off at the edge.
    let movements = ["[K", "[?7l", "[?7h"];
    let styles = ["[0m", "[1m", "[2m", "[3m", "[31m", "[32m", "[33m", "[34m"];
    for own in styles.into_iter().chain(movements) {
        screen = screen.replace(&format!("\u{1b}{own}"), "");
    }
    assert!(!screen.contains("\rover"), "{screen:?}");
    assert_plain(&screen.replace('\r', ""));
    screen
}
