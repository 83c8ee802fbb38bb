use std::time::Duration;

use astropass_core::wire::ParseJson;
use astropass_core::{Event, Instant, Runtime, Timestamp};
use wasm_bindgen::JsValue;

use crate::bindings::{self, Host};
use crate::failure::to_js_error;
use crate::json::parse_json;
use crate::task::settled;

/// The page's clocks and timers; events go to the npm package.
pub(crate) struct PageRuntime(pub(crate) Host);

/// How long to sleep at once: a timer does not count the time that the machine sleeps.
const STEP: Duration = Duration::from_secs(5);

impl Runtime for PageRuntime {
    fn now(&self) -> Instant {
        Instant::from_millis(bindings::now() as u64)
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_unix((js_sys::Date::now() / 1000.0) as i64)
    }

    async fn sleep_until(&self, until: Instant) {
        loop {
            let left = until.since(self.now());
            if left.is_zero() {
                return;
            }
            let _ = settled(bindings::sleep(left.min(STEP).as_secs_f64() * 1000.0)).await;
        }
    }

    fn json(&self) -> ParseJson {
        parse_json
    }

    fn emit(&self, event: Event) {
        let (name, error) = match event {
            Event::SignedIn => ("signedIn", None),
            Event::Refreshed { .. } => ("refreshed", None),
            Event::NotSaved(error) => ("notSaved", Some(error.into())),
            Event::RefreshFailed(error) => ("refreshFailed", Some(error)),
            Event::SessionOver => ("sessionOver", None),
            Event::SignedOut => ("signedOut", None),
            _ => return,
        };
        self.0.emit(name, error.map_or(JsValue::UNDEFINED, |error| to_js_error(&error)));
    }
}
