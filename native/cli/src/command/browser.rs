//! The login in a browser on this machine, or on another one by way of a paste.

use astropass::{BrowserLogin, BrowserPrompt, Error, HttpErrorKind, Session, printable};
use serde_json::json;

use super::countdown::Countdown;
use super::opener;
use super::paste::Paste;
use super::provider::host_of;
use crate::failure::{Failure, OTHER};
use crate::output::{self, BOLD};

/// How a command wants it.
#[derive(Clone, Copy)]
pub(crate) struct Manner<'a> {
    /// Opens a browser, where there is one with a window, instead of only printing the link.
    pub(crate) opens: bool,
    /// Prints JSON.
    pub(crate) json: bool,
    /// The option that prints the link, for the words about a port that is taken.
    pub(crate) link_option: &'a str,
}

/// Signs in, and says meanwhile what to do and how much time is left.
pub(crate) async fn sign_in(
    session: &Session,
    login: BrowserLogin,
    manner: Manner<'_>,
) -> Result<(), Failure> {
    let opens = manner.opens && opener::has_window();
    let paste = Paste::start(!manner.opens);
    let can_paste = paste.is_some();
    let typed = paste.as_ref().map(Paste::typed);
    let login = login.paste_suffices(can_paste && !opens);
    let countdown = Countdown::default();
    let shown = countdown.clone();
    let host = host_of(session.provider());
    let show = move |prompt: BrowserPrompt| {
        show(&prompt, &host, opens, can_paste, manner.json);
        if !manner.json {
            shown.start("the browser", prompt.expires_in);
        }
    };
    let next = |wrong: Option<Error>| {
        if let Some(error) = wrong {
            refuse(&error, &countdown, manner.json);
        }
        let paste = paste.as_ref();
        async move {
            match paste {
                Some(paste) => paste.next().await,
                None => std::future::pending().await,
            }
        }
    };
    let signing_in = session.login_with_browser(&login, show, next);
    let typed = || typed.as_ref().map_or(0, |typed| typed());
    let result = countdown.during(signing_in, typed).await;
    result.map(drop).map_err(|error| failure(error, manner))
}

fn show(prompt: &BrowserPrompt, host: &str, opens: bool, can_paste: bool, json: bool) {
    let url = prompt.authorization_url.as_str();
    if json {
        output::json(&json!({
            "event": "prompt",
            "authorization_url": url,
            "redirect_uri": prompt.redirect_uri,
            "listening": prompt.is_listening,
            "expires_in": prompt.expires_in.as_secs(),
        }));
    } else {
        let host = printable(host);
        let open = match opens {
            true => format!(
                "Opening your browser to sign in at {BOLD}{host}{BOLD:#}. If it does not open, go to:"
            ),
            false => format!("Open this URL in a browser to sign in at {BOLD}{host}{BOLD:#}:"),
        };
        output::note(&format!("{open}\n\n  {BOLD}{url}{BOLD:#}\n"));
        if !prompt.is_listening {
            output::note(&format!(
                "Another program has the port of {}, so the last page will not be shown.\nPaste its whole URL here.\n",
                prompt.redirect_uri
            ));
        } else if can_paste {
            output::note(
                "If the browser is on another machine, its last page cannot be shown there:\npaste the whole URL of that page here.\n",
            );
        }
    }
    if opens {
        opener::open(url);
    }
}

/// Says why what was pasted does not count.
fn refuse(error: &Error, countdown: &Countdown, json: bool) {
    if json {
        output::json(&json!({
            "event": "paste_refused", "code": error.code(), "message": error.to_string(),
        }));
    } else {
        countdown
            .note(&format!("That does not help: {error}. Paste the whole URL of the last page."));
    }
}

fn failure(error: Error, manner: Manner<'_>) -> Failure {
    match &error {
        Error::Http(http) if http.kind == HttpErrorKind::PortTaken => Failure::new(
            OTHER,
            error.code(),
            format!(
                "The browser has to come back to port {} of this machine, and another program has it. Is another login waiting? End it, or use {} and paste the URL that the browser ends at.",
                http.detail, manner.link_option
            ),
        ),
        _ => Failure::of_login(error),
    }
}
