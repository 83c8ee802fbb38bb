//! What is fuzzed: functions of any bytes that panic where something does not hold.
//!
//! `tests/fuzz` runs them with libFuzzer, and the test `fuzz` gives them the corpus on every run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a target fails by a panic"
)]

mod callback;
mod endpoint;
mod machine;
mod native;
mod session;
mod stored;
mod text;

pub use self::callback::callback;
pub use self::endpoint::endpoint;
pub use self::machine::{
    astro, conversation, device_authorization, discovery, houston, token, userinfo,
};
pub use self::native::native_text;
pub use self::session::session;
pub use self::stored::{credentials, document};
pub use self::text::{json, jwt, printable};

/// Takes any bytes, and panics where something does not hold.
pub type Target = fn(&[u8]);

/// All of them, by their names in `tests/fuzz`.
pub const TARGETS: [(&str, Target); 16] = [
    ("astro", astro),
    ("callback", callback),
    ("conversation", conversation),
    ("credentials", credentials),
    ("device_authorization", device_authorization),
    ("discovery", discovery),
    ("document", document),
    ("endpoint", endpoint),
    ("houston", houston),
    ("json", json),
    ("jwt", jwt),
    ("native_text", native_text),
    ("printable", printable),
    ("session", session),
    ("token", token),
    ("userinfo", userinfo),
];

/// Fuzzed bytes, taken one after the other.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// The next one; zero after the end.
    fn next(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
            [] => 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of `choices`.
    fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.next()) % choices.len()]
    }

    /// The next bytes up to a zero.
    fn until_zero(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        taken
    }
}
