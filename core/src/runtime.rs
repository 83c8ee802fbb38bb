use std::future::Future;

use crate::wire::ParseJson;
use crate::{Error, Instant, StoreError, Timestamp};

/// The clock, the timer, the JSON parser and the ear of a platform.
pub trait Runtime {
    /// Monotonic time; it should go on while the machine sleeps, where the platform can.
    fn now(&self) -> Instant;

    /// Wall time.
    fn wall(&self) -> Timestamp;

    /// Resolves at `until` or later.
    fn sleep_until(&self, until: Instant) -> impl Future<Output = ()>;

    /// The platform's JSON parser.
    fn json(&self) -> ParseJson;

    /// Takes note of `event`; it must not block.
    fn emit(&self, event: Event);
}

/// What happens to a session while nobody asks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A new session was stored.
    SignedIn,
    /// The access token was refreshed and the new one is stored.
    Refreshed {
        /// When the new one expires, if that is known.
        expires_at: Option<Timestamp>,
    },
    /// The access token was refreshed, but the new tokens exist in this process only.
    NotSaved(StoreError),
    /// A refresh failed and the session goes on.
    RefreshFailed(Error),
    /// There is no keyring here, so a login keeps its tokens in the file.
    FellBack {
        /// What was looked for.
        detail: String,
    },
    /// The server has ended the session.
    SessionOver,
    /// The session was signed out here.
    SignedOut,
}
