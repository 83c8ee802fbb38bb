//! Work that waits for promises, driven by `npm/src/task.ts`.
//!
//! Each piece of work waits for one promise at a time and for nothing else, so it needs no wakers,
//! queues or callbacks: it gives the promise out, and is told how that one settled.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use astropass_core::Error;
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::to_js_error;

thread_local! {
    /// What the work that was just polled waits for.
    static AWAITED: Cell<JsValue> = const { Cell::new(JsValue::UNDEFINED) };
    /// How what the work waited for settled that is about to be polled.
    static SETTLED: Cell<Result<JsValue, JsValue>> = const { Cell::new(Ok(JsValue::UNDEFINED)) };
}

/// Work under way. To free it is to give it up.
#[wasm_bindgen]
pub struct Task(Pin<Box<dyn Future<Output = Result<JsValue, Error>>>>);

impl Task {
    pub(crate) fn new(work: impl Future<Output = Result<JsValue, Error>> + 'static) -> Self {
        Self(Box::pin(work))
    }
}

#[wasm_bindgen]
impl Task {
    /// Goes on with what the last promise was fulfilled with, or rejected with if it `failed`.
    /// Returns the next promise, or what the work gave in the end; throws what
    /// [`to_js_error`] makes.
    pub fn poll(&mut self, settled: JsValue, failed: bool) -> Result<JsValue, JsValue> {
        SETTLED.set(if failed { Err(settled) } else { Ok(settled) });
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => Ok(AWAITED.take()),
            Poll::Ready(Ok(value)) => Ok(value),
            Poll::Ready(Err(error)) => Err(to_js_error(&error)),
        }
    }
}

/// How `promise` settles; to be awaited in a [`Task`].
pub(crate) fn settled(promise: Promise) -> Settled {
    Settled(Some(promise))
}

/// See [`settled`].
pub(crate) struct Settled(Option<Promise>);

impl Future for Settled {
    type Output = Result<JsValue, JsValue>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0.take() {
            Some(promise) => {
                AWAITED.set(promise.into());
                Poll::Pending
            }
            None => Poll::Ready(SETTLED.replace(Ok(JsValue::UNDEFINED))),
        }
    }
}
