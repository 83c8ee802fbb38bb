use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use astropass::{Prompt, printable};
use serde_json::json;

use crate::args::Login;
use crate::context::env;
use crate::output::{self, BOLD, DIM, PAPER};

/// Those that the `webbrowser` crate runs on the terminal; it starts any other without one.
const TEXT_BROWSERS: [&str; 9] =
    ["lynx", "links", "links2", "elinks", "w3m", "eww", "netrik", "retawq", "curl"];

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
        let text = format!("Your verification code is: {}", printable(&prompt.user_code));
        let rule = "─".repeat(text.chars().count() + 2);
        output::note(&format!("\n╭{rule}╮\n│ {BOLD}{text}{BOLD:#} │\n╰{rule}╯\n"));
        output::note(&format!(
            "You are signing in at {BOLD}{}{BOLD:#}. Only go on if you started this yourself.\n",
            printable(issuer)
        ));
    }
    let opens = !login.no_browser && has_window();
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
    if !opens {
        return;
    }
    let url = url.as_str().to_owned();
    // Some platforms wait for the program that they start.
    std::thread::spawn(move || {
        let mut options = webbrowser::BrowserOptions::new();
        options.with_suppress_output(true);
        // The URL is printed: whoever cannot open a browser can go there himself.
        let _ = webbrowser::open_browser_with_options(webbrowser::Browser::Default, &url, &options);
    });
}

/// Whether the browser has a window of its own. One in the terminal would draw over the time that
/// is left, and into the JSON.
fn has_window() -> bool {
    if cfg!(any(windows, target_os = "macos", target_os = "haiku")) {
        return true;
    }
    match env("BROWSER") {
        Some(browsers) => !browsers.split(':').any(|browser| {
            let program = browser.split_ascii_whitespace().next().unwrap_or_default();
            let name = Path::new(program).file_name().and_then(OsStr::to_str);
            name.is_some_and(|name| TEXT_BROWSERS.contains(&name))
        }),
        // A desktop, or Windows around this Linux.
        None => ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].iter().any(|n| env(n).is_some()),
    }
}

/// Cameras want dark on light. The light modules are drawn, so that it is so on a dark terminal, and
/// with colours on any other.
fn show_qr(url: &str) {
    use qrcode::render::unicode::Dense1x2::{Dark, Light};
    let Ok(code) = qrcode::QrCode::new(url) else { return };
    output::note("Scan this with a phone:\n");
    let picture = code.render().dark_color(Light).light_color(Dark).build();
    for line in picture.lines() {
        output::note(&format!("{PAPER}{line}{PAPER:#}"));
    }
    output::note("");
}

/// The line that says how much time is left, rewritten as it passes.
pub(super) struct Countdown {
    left: Duration,
    started: std::time::Instant,
    frame: usize,
}

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

impl Countdown {
    /// How often it moves.
    pub(super) const TICK: Duration = Duration::from_millis(120);

    /// Where standard error is a terminal; in a log it would be noise.
    pub(super) fn start(left: Duration) -> Option<Self> {
        let shown = std::io::stderr().is_terminal();
        shown.then(|| Self { left, started: std::time::Instant::now(), frame: 0 })
    }

    pub(super) fn draw(&mut self) {
        let left = self.left.saturating_sub(self.started.elapsed()).as_secs();
        let frame = FRAMES.get(self.frame % FRAMES.len()).copied().unwrap_or(' ');
        self.frame += 1;
        let mut out = anstream::stderr().lock();
        let _ = write!(
            out,
            "\r{frame} Waiting for approval {DIM}({}:{:02} left, Ctrl-C cancels){DIM:#}\x1b[K",
            left / 60,
            left % 60
        );
        let _ = out.flush();
    }
}

impl Drop for Countdown {
    fn drop(&mut self) {
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "\r\x1b[K");
        let _ = out.flush();
    }
}
