use std::ops::Add;
use std::time::Duration;

/// Milliseconds on a monotonic clock whose start has no meaning.
///
/// Machines live on this clock, so a stepped wall clock can neither end nor prolong a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The instant `millis` milliseconds after the clock's start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the clock's start.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        // Not `saturating_mul`, for which a page would load a multiplication of 128 bits.
        let secs = rhs.as_secs().min(u64::MAX / 2000);
        Self(self.0.saturating_add(secs * 1000 + u64::from(rhs.subsec_millis())))
    }
}

/// Seconds since 1970-01-01T00:00:00Z on the wall clock, as stored credentials use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `seconds` after the epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds after the epoch.
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// Whole seconds from `earlier` to `self`; negative if `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment and `seconds` more.
    pub const fn plus(self, seconds: u64) -> Self {
        // The largest lifetime that is kept, so that no arithmetic on times can overflow.
        Self(self.0.saturating_add_unsigned(seconds))
    }
}
