//! Time that passes only where somebody waits for it.

use std::future::{self, Future};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use astropass_core::wire::ParseJson;
use astropass_core::{Event, Instant, Runtime, Timestamp};

/// The wall clock's seconds when it is made.
pub const BEGIN: i64 = 1_800_000_000;

/// A monotonic clock, and a wall clock that can be stepped. Clones are the same clock.
///
/// Whoever sleeps has slept at once, so a future that only sleeps is always ready.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock(Arc<Clocks>);

#[derive(Debug, Default)]
struct Clocks {
    millis: AtomicU64,
    wall_offset: AtomicI64,
}

impl VirtualClock {
    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.0.millis.fetch_add(u64::try_from(time.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }

    /// Sets the wall clock forward or back.
    pub fn step_wall(&self, seconds: i64) {
        self.0.wall_offset.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Runtime for VirtualClock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.millis.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Timestamp {
        let offset = self.0.wall_offset.load(Ordering::SeqCst);
        let passed = i64::try_from(self.now().as_millis() / 1000).unwrap_or(i64::MAX);
        Timestamp::from_unix(BEGIN.saturating_add(offset).saturating_add(passed))
    }

    fn sleep_until(&self, until: Instant) -> impl Future<Output = ()> {
        self.0.millis.fetch_max(until.as_millis(), Ordering::SeqCst);
        future::ready(())
    }

    fn json(&self) -> ParseJson {
        astropass::parse_json
    }

    fn emit(&self, _: Event) {}
}

/// What a future gives that waits for nothing but the virtual clock.
///
/// # Panics
/// If it waits for anything else.
#[expect(clippy::panic, reason = "what a test uses fails as a test does")]
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).as_mut().poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for ever"),
    }
}
