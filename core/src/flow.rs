//! The machines, and the one contract they share.
//!
//! OAuth has one outstanding thing at a time, so a machine has one way in and one way out: it is
//! told of a tick or a response and answers with the one thing to do next. Time is an argument, so
//! a login of fifteen minutes is a test of microseconds.

pub mod astro;
mod code;
mod device;
mod discover;
pub mod houston;
mod pasted;
mod refresh;
mod revoke;
mod token;
mod userinfo;

pub use code::{Code, Entropy, Pending};
pub use device::{Device, Prompt};
pub use discover::Discover;
pub use pasted::PastedToken;
pub use refresh::Refresh;
pub use revoke::Revoke;
pub use userinfo::Userinfo;

use crate::{Error, HttpError, Instant, Request, Response};

/// What a machine is told.
#[derive(Debug)]
pub enum Input {
    /// Time has passed, or what was asked for was done.
    Tick,
    /// The answer to the request it asked to send.
    Response(Result<Box<Response>, HttpError>),
}

/// What a machine wants.
#[derive(Debug)]
#[must_use]
pub enum Action<T> {
    /// Send this, then give its [`Input::Response`]. Comes once for each request.
    Send(Box<Request>),
    /// The response to the request already sent is awaited.
    AwaitResponse,
    /// Nothing before this instant; then [`Input::Tick`].
    WaitUntil(Instant),
    /// Show this to the user, then [`Input::Tick`]. Comes once.
    Show(Box<Prompt>),
    /// The end, with the result.
    Done(T),
}

/// A machine.
pub trait Flow {
    /// What it gives in the end.
    type Output;

    /// One step at monotonic `now`.
    ///
    /// `Send` and `Show` come exactly once each; a tick too early only says again what is awaited.
    ///
    /// # Errors
    /// A response nobody asked for is [`Error::UnexpectedResponse`] and changes nothing. Any other
    /// error ends the machine, and after the end each step is [`Error::Finished`].
    fn step(&mut self, input: Input, now: Instant) -> Result<Action<Self::Output>, Error>;
}

/// The states of a machine that sends one request at a time and never waits.
///
/// ```text
/// Start ─send→ Sent ─answer→ Ended
/// ```
#[derive(Debug)]
enum Exchange {
    Start,
    Sent,
    Ended,
}

impl Exchange {
    /// The step of [`Flow`] for `machine`, with what differs between machines: where its state is,
    /// its request, and what the answer says.
    fn step<M, T>(
        machine: &mut M,
        state: impl Fn(&mut M) -> &mut Self,
        input: Input,
        request: impl FnOnce(&mut M) -> Result<Box<Request>, Error>,
        answered: impl FnOnce(&M, &Response) -> Result<T, Error>,
    ) -> Result<Action<T>, Error> {
        let (next, action) = match (std::mem::replace(state(machine), Self::Ended), input) {
            (Self::Start, Input::Tick) => (Self::Sent, Action::Send(request(machine)?)),
            (Self::Sent, Input::Response(response)) => {
                (Self::Ended, Action::Done(answered(machine, &*response?)?))
            }
            (Self::Sent, Input::Tick) => (Self::Sent, Action::AwaitResponse),
            (Self::Ended, _) => return Err(Error::Finished),
            (Self::Start, Input::Response(_)) => {
                *state(machine) = Self::Start;
                return Err(Error::UnexpectedResponse);
            }
        };
        *state(machine) = next;
        Ok(action)
    }
}
