//! What the user pastes while the browser is waited for.

use std::io::IsTerminal;

use zeroize::Zeroizing;

use crate::input::{self, Quiet};

/// Lines of standard input, which a terminal does not show: they would be drawn over.
pub(super) struct Paste {
    _quiet: Option<Quiet>,
}

impl Paste {
    /// Begins where somebody can paste: at a terminal, or where standard input is a pipe and that
    /// `is_asked_for`. A program in a loop must not read what is the loop's.
    pub(super) fn start(is_asked_for: bool) -> Option<Self> {
        if !std::io::stdin().is_terminal() {
            return is_asked_for.then_some(Self { _quiet: None });
        }
        let is_seen = is_asked_for || std::io::stderr().is_terminal();
        (is_seen && input::is_foreground()).then(|| Self { _quiet: Quiet::unbroken().ok() })
    }

    /// The next line that is not blank; after the last one, never.
    pub(super) async fn next(&self) -> Zeroizing<String> {
        loop {
            match input::next_line().await {
                Ok(Some(line)) if line.trim().is_empty() => {}
                Ok(Some(line)) => return edited(&line),
                Ok(None) | Err(_) => return std::future::pending().await,
            }
        }
    }
}

/// `line` with the keys that a terminal which waits for whole lines would have acted on.
fn edited(line: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(line.len()));
    for c in line.chars() {
        match c {
            // Backspace
            '\u{8}' | '\u{7f}' => drop(text.pop()),
            // Ctrl-U
            '\u{15}' => text.clear(),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}
