//! What no driver does, and every machine has to stand (see [`Flow::step`]).

use std::time::Duration;

use astropass_core::flow::{Action, Flow, Input};
use astropass_core::{Error, Instant, Response};

pub(crate) fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

/// A response that would end any machine, or let it go on, if it were taken.
fn unsolicited() -> Input {
    let body = br#"{"error":"expired_token"}"#.to_vec().into();
    Input::Response(Ok(Box::new(Response {
        status: 400,
        headers: Vec::new(),
        date: None,
        retry_after: 0,
        body,
    })))
}

pub(crate) fn refuses_unsolicited<F: Flow>(flow: &mut F, now: Instant) -> Result<(), String> {
    let refused = matches!(flow.step(unsolicited(), now), Err(Error::UnexpectedResponse));
    ensure(refused, "it took a response that nobody asked for")
}

pub(crate) fn awaits_response<F: Flow>(flow: &mut F, now: Instant) -> Result<(), String> {
    let awaits = matches!(flow.step(Input::Tick, now), Ok(Action::AwaitResponse));
    ensure(awaits, "a tick did not leave it awaiting its response")
}

/// Ticks before `until`, and a response, change nothing.
pub(crate) fn waits<F: Flow>(flow: &mut F, now: Instant, until: Instant) -> Result<(), String> {
    let wait = until.since(now);
    for part in [Duration::ZERO, wait / 2, wait.saturating_sub(Duration::from_millis(1))] {
        let early = now + part;
        if early < until {
            refuses_unsolicited(flow, early)?;
            let repeated = matches!(
                flow.step(Input::Tick, early), Ok(Action::WaitUntil(again)) if again == until
            );
            ensure(repeated, "a tick too early did more than repeat what is awaited")?;
        }
    }
    Ok(())
}

pub(crate) fn has_ended<F: Flow>(flow: &mut F, now: Instant) -> Result<(), String> {
    for input in [Input::Tick, unsolicited(), Input::Tick] {
        let ended = matches!(flow.step(input, now), Err(Error::Finished));
        ensure(ended, "a step after the end is not Finished")?;
    }
    Ok(())
}
