//! The user's browser.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use astropass::Endpoint;

use crate::context::env;

/// Those that the `webbrowser` crate runs on the terminal; it starts any other without one.
const TEXT_BROWSERS: [&str; 9] =
    ["lynx", "links", "links2", "elinks", "w3m", "eww", "netrik", "retawq", "curl"];

/// What this program is given, and a URL, to start the browser and nothing else.
const OPEN: &str = "--open-in-browser";
/// What no browser is to find in its environment.
const TOKENS: [&str; 2] = ["ASTRO_ACCESS_TOKEN", "ASTRO_API_TOKEN"];

/// Opens `url`, and does not say whether that went well: whoever cannot open a browser can go to
/// the URL that is printed besides.
///
/// The platform starts the browser, with the environment of the program that asks. A program can
/// leave a variable out for another one only, so that one is a second process of this.
pub(super) fn open(url: &str) {
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    command.args([OPEN, url]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for name in TOKENS {
        command.env_remove(name);
    }
    // It may wait for the browser.
    std::thread::spawn(move || command.status());
}

/// The URL that this process was started to open.
pub(crate) fn asked() -> Option<Endpoint> {
    let mut arguments = std::env::args_os().skip(1);
    let (option, url) = (arguments.next()?, arguments.next()?);
    Endpoint::parse(url.to_str().filter(|_| option == OPEN)?).ok()
}

/// Starts the browser.
pub(crate) fn start(url: &Endpoint) -> ExitCode {
    let mut options = webbrowser::BrowserOptions::new();
    options.with_suppress_output(true);
    let browser = webbrowser::Browser::Default;
    match webbrowser::open_browser_with_options(browser, url.as_str(), &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Whether the browser has a window of its own. One in the terminal would draw over the time that
/// is left, and into the JSON.
pub(super) fn has_window() -> bool {
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
