//! Work that waits for promises, driven by `npm/src/task.ts`.
//!
//! Each piece of work waits for one promise at a time and for nothing else, so it needs no wakers,
//! queues or callbacks: it gives the promise out, and is told how that one settled.

use std::cell::Cell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use astropass_core::Error;
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::to_js_error;

// Not to be dropped: a page has one thread, which does not end.
thread_local! {
    /// What the work that was just polled waits for.
    static AWAITED: Cell<ManuallyDrop<JsValue>> = const { Cell::new(NOTHING) };
    /// How what the work waited for settled that is about to be polled, and whether it failed.
    static SETTLED: Cell<(ManuallyDrop<JsValue>, bool)> = const { Cell::new((NOTHING, false)) };
}

const NOTHING: ManuallyDrop<JsValue> = ManuallyDrop::new(JsValue::UNDEFINED);

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
        SETTLED.set((ManuallyDrop::new(settled), failed));
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => Ok(ManuallyDrop::into_inner(AWAITED.replace(NOTHING))),
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
                AWAITED.set(ManuallyDrop::new(promise.into()));
                Poll::Pending
            }
            None => {
                let (settled, failed) = SETTLED.replace((NOTHING, false));
                let settled = ManuallyDrop::into_inner(settled);
                Poll::Ready(if failed { Err(settled) } else { Ok(settled) })
            }
        }
    }
}
