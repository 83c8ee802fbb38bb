use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::store::random_name;

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

const CIRCLE: &str = "<circle cx=\"24\" cy=\"24\" r=\"21\"/>";
const CHECK: &str = "<path d=\"M15 25l6.5 6.5L34 18\"/>";
const CROSS: &str = "<path d=\"M17 17l14 14M31 17L17 31\"/>";
const BAR: &str = "<path d=\"M15 24h18\"/>";

/// What is shown.
#[derive(Clone, Copy)]
pub(super) enum Page<'a> {
    /// Who is signed in. The tokens are stored by now.
    SignedIn(&'a str),
    /// Why nobody is.
    Failed(&'a str),
    /// An answer to another login.
    Stray,
    /// No page: what came is no browser of a login.
    Nothing,
}

/// The page, with fields that keep it out of caches, frames and other sites' sight.
pub(super) fn respond(status: StatusCode, page: Page<'_>) -> Response<Full<Bytes>> {
    // For the one `<style>` of the page. Where there is none, the page stays unstyled.
    let nonce = random_name().unwrap_or_default();
    let (kind, body) = match page {
        Page::Nothing => ("text/plain; charset=utf-8", String::new()),
        page => ("text/html; charset=utf-8", html(page, &nonce)),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (HeaderName::from_static("cache-control"), "no-store"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn html(page: Page<'_>, nonce: &str) -> String {
    let (tone, colour, mark, title, what, next) = match page {
        Page::SignedIn(who) => {
            ("good", "17803d", CHECK, "You are signed in", who, "You can close this tab now.")
        }
        Page::Failed(why) => (
            "bad",
            "c0262d",
            CROSS,
            "You are not signed in",
            why,
            "The program that sent you here says what to do next. You can close this tab.",
        ),
        Page::Stray | Page::Nothing => (
            "even",
            "5b6270",
            BAR,
            "Not the login that waits here",
            "This is the answer to an earlier login, or to one that you did not begin. Nothing was done with it.",
            "Close this tab, and open the link of the login that you want.",
        ),
    };
    let icon = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48' fill='none' stroke='%23{colour}' stroke-width='4'>{}</svg>",
        format!("{CIRCLE}{mark}").replace('"', "'")
    );
    let what = match what {
        "" => String::new(),
        what => format!("<p class=\"what\">{}</p>\n", escaped(what)),
    };
    let text = format!("{what}<p class=\"next\">{next}</p>\n");
    // Last what others wrote, in which nothing more is replaced.
    HTML.replace("{style}", STYLE)
        .replace("{nonce}", nonce)
        .replace("{tone}", tone)
        .replace("{icon}", &icon.replace('<', "%3C").replace('>', "%3E"))
        .replace("{mark}", &format!("{CIRCLE}{mark}"))
        .replace("{title}", title)
        .replace("{text}", &text)
}

/// `text` as HTML shows it.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() => html.push(' '),
            c => html.push(c),
        }
    }
    html
}
