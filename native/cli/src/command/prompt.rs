use astropass::{Prompt, printable};
use serde_json::json;

use super::opener;
use crate::args::Login;
use crate::output::{self, BOLD, PAPER};

/// Shows the code and the URL, and opens the browser unless that is not wanted.
pub(super) fn show(prompt: &Prompt, issuer: &str, login: &Login, json: bool) {
    let url = prompt.verification_uri_complete.as_ref().unwrap_or(&prompt.verification_uri);
    if json {
        output::json(&json!({
            "event": "prompt",
            "user_code": prompt.user_code,
            "verification_uri": prompt.verification_uri.as_str(),
            "verification_uri_complete":
                prompt.verification_uri_complete.as_ref().map(|url| url.as_str()),
            "expires_in": prompt.expires_in.as_secs(),
            "interval": prompt.interval.as_secs(),
        }));
    } else {
        show_code(&printable(&prompt.user_code));
        output::note(&format!(
            "You are signing in at {BOLD}{}{BOLD:#}. Only go on if you started this yourself.\n",
            printable(issuer)
        ));
    }
    let opens = !login.no_browser && opener::has_window();
    if !json {
        let open = match opens {
            true => "Opening your browser. If it does not open, go to:",
            false => "Open this URL in a browser:",
        };
        output::note(&format!("{open}\n\n  {BOLD}{url}{BOLD:#}\n"));
        output::note(&match &prompt.verification_uri_complete {
            Some(_) => format!(
                "Compare the code there with this one, or enter it at {}\n",
                prompt.verification_uri
            ),
            None => "Enter the code there.\n".to_owned(),
        });
    }
    if login.qr {
        show_qr(url.as_str());
    }
    if opens {
        opener::open(url.as_str());
    }
}

/// In a box, where the terminal would not wrap it; else by itself, so that it is whole in any case.
fn show_code(code: &str) {
    let text = format!("Your verification code is: {code}");
    let width = text.chars().count() + 2;
    if columns().is_some_and(|columns| columns < width + 2) {
        output::note(&format!("\nYour verification code is:\n\n  {BOLD}{code}{BOLD:#}\n"));
        return;
    }
    let rule = "─".repeat(width);
    output::note(&format!("\n╭{rule}╮\n│ {BOLD}{text}{BOLD:#} │\n╰{rule}╯\n"));
}

/// Cameras want dark on light. The light modules are drawn, so that it is so on a dark terminal, and
/// with colours on any other.
fn show_qr(url: &str) {
    use qrcode::render::unicode::Dense1x2::{Dark, Light};
    let Ok(code) = qrcode::QrCode::new(url) else { return };
    let picture: String = code.render().dark_color(Light).light_color(Dark).build();
    let needed = picture.lines().next().unwrap_or_default().chars().count();
    if let Some(columns) = columns().filter(|columns| *columns < needed) {
        output::warn(&format!(
            "The QR code is left out: it needs {needed} columns, and this terminal has {columns}.\n"
        ));
        return;
    }
    output::note("Scan this with a phone:\n");
    for line in picture.lines() {
        output::note(&format!("{PAPER}{line}{PAPER:#}"));
    }
    output::note("");
}

/// How wide the terminal is that words go to, if they go to one.
fn columns() -> Option<usize> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(std::io::stderr())?;
    Some(columns.into())
}
