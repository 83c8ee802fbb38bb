use std::time::{Duration, SystemTime};

use astropass_core::wire::ParseJson;
use astropass_core::{Event, Instant, Runtime, Timestamp};
use tokio::sync::broadcast;

use crate::json::parse_json;

/// The system's clocks, tokio's timer, and a channel for events.
#[derive(Clone, Debug)]
pub(crate) struct SystemRuntime {
    events: broadcast::Sender<Event>,
}

impl SystemRuntime {
    pub(crate) fn new() -> Self {
        Self { events: broadcast::Sender::new(64) }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}

impl Runtime for SystemRuntime {
    fn now(&self) -> Instant {
        monotonic()
    }

    fn wall(&self) -> Timestamp {
        // Before 1970 everything received later is "in the future", and so refreshed.
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, until: Instant) {
        // tokio's clock may stop while the machine sleeps, ours does not: in steps, a login
        // that expired meanwhile is noticed.
        loop {
            let left = until.since(monotonic());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(Duration::from_secs(5))).await;
        }
    }

    fn json(&self) -> ParseJson {
        parse_json
    }

    fn emit(&self, event: Event) {
        match &event {
            Event::NotSaved(error) => tracing::warn!(%error, "the new tokens could not be stored"),
            Event::RefreshFailed(error) => tracing::warn!(%error, "the token was not refreshed"),
            event => tracing::debug!(?event),
        }
        // Nobody may be listening.
        let _ = self.events.send(event);
    }
}

/// Milliseconds on a clock that goes on while the machine sleeps, where there is one.
fn monotonic() -> Instant {
    cfg_if::cfg_if! {
        if #[cfg(target_os = "linux")] {
            use rustix::time::{ClockId, clock_gettime};
            let time = clock_gettime(ClockId::Boottime);
            let millis = time.tv_sec.cast_unsigned() * 1000 + time.tv_nsec.cast_unsigned() / 1_000_000;
            Instant::from_millis(millis)
        } else {
            use std::sync::OnceLock;
            static START: OnceLock<std::time::Instant> = OnceLock::new();
            let elapsed = START.get_or_init(std::time::Instant::now).elapsed();
            Instant::from_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
        }
    }
}
