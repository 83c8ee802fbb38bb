//! The user's browser.

use std::ffi::OsStr;
use std::path::Path;

use crate::context::env;

/// Those that the `webbrowser` crate runs on the terminal; it starts any other without one.
const TEXT_BROWSERS: [&str; 9] =
    ["lynx", "links", "links2", "elinks", "w3m", "eww", "netrik", "retawq", "curl"];

/// Opens `url`, and does not say whether that went well: whoever cannot open a browser can go to
/// the URL that is printed besides.
pub(super) fn open(url: &str) {
    let url = url.to_owned();
    // Some platforms wait for the program that they start.
    std::thread::spawn(move || {
        let mut options = webbrowser::BrowserOptions::new();
        options.with_suppress_output(true);
        let _ = webbrowser::open_browser_with_options(webbrowser::Browser::Default, &url, &options);
    });
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
