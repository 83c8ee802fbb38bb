//! Drives a machine through any sequence of events and checks its contract at each step.

use std::fmt::Debug;
use std::time::Duration;

use astropass_core::flow::{Action, Flow, Input};
use astropass_core::{Error, Instant};

use super::said::{CANARY, Event, Reply, Said};

/// A [`Flow`] whose output is only printed.
pub trait Machine {
    /// As [`Flow::step`].
    ///
    /// # Errors
    /// As that.
    fn step(&mut self, input: Input, now: Instant) -> Result<Action<String>, Error>;

    /// Its `Debug`.
    fn printed(&self) -> String;
}

impl<F: Flow<Output: Debug> + Debug> Machine for F {
    fn step(&mut self, input: Input, now: Instant) -> Result<Action<String>, Error> {
        Ok(match Flow::step(self, input, now)? {
            Action::Done(output) => Action::Done(format!("{output:?}")),
            Action::Send(request) => Action::Send(request),
            Action::AwaitResponse => Action::AwaitResponse,
            Action::WaitUntil(until) => Action::WaitUntil(until),
            Action::Show(prompt) => Action::Show(prompt),
        })
    }

    fn printed(&self) -> String {
        format!("{self:?}")
    }
}

/// A machine, and the books on what it was told and asked for.
///
/// Each step panics where the contract is broken.
pub struct Driver {
    machine: Box<dyn Machine>,
    now: Instant,
    phase: Phase,
    shown: bool,
    /// Whether it has waited with nothing shown, as discovery does before it asks again.
    has_paused: bool,
    /// What no poll may undercut: the server's interval and what `slow_down` added.
    interval: Duration,
    /// Not to send before this, and not after that.
    earliest: Instant,
    expires_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// A tick is due.
    Ready,
    Sent,
    WaitingUntil(Instant),
    Done,
    Failed,
}

impl Driver {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(machine: Box<dyn Machine>) -> Self {
        let now = Instant::from_millis(1_000_000);
        Self {
            machine,
            now,
            phase: Phase::Ready,
            shown: false,
            has_paused: false,
            interval: Duration::ZERO,
            earliest: now,
            expires_at: None,
        }
    }

    /// Whether it has come to its end with a result.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Lets one thing happen.
    ///
    /// # Panics
    /// If the machine does what it must not.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Pass(millis) => self.now = self.now + Duration::from_millis(millis),
            Event::PassWait => {
                if let Phase::WaitingUntil(until) = self.phase {
                    self.now = until.max(self.now);
                }
            }
            Event::Tick => self.tick(),
            Event::Reply(said) => self.reply(&said),
        }
    }

    fn tick(&mut self) {
        let result = self.step(Input::Tick);
        match (self.phase, result) {
            (Phase::Done | Phase::Failed, Err(Error::Finished)) => {}
            (Phase::Sent, Ok(Action::AwaitResponse)) => {}
            (Phase::WaitingUntil(until), Ok(Action::WaitUntil(again))) if self.now < until => {
                assert_eq!(again, until, "a tick too early changed what is awaited");
            }
            (Phase::WaitingUntil(until), result) if self.now < until => {
                panic!("a tick too early did {result:?}")
            }
            (Phase::Ready | Phase::WaitingUntil(_), result) => self.went_on(result),
            (phase, result) => panic!("a tick in {phase:?} did {result:?}"),
        }
    }

    fn reply(&mut self, said: &Said) {
        let result = self.step(said.input());
        match (self.phase, result) {
            (Phase::Done | Phase::Failed, Err(Error::Finished)) => {}
            (Phase::Ready | Phase::WaitingUntil(_), Err(Error::UnexpectedResponse)) => {}
            (Phase::Sent, Err(error @ (Error::UnexpectedResponse | Error::Finished))) => {
                panic!("a response that was asked for is {error:?}")
            }
            (Phase::Sent, result) => {
                self.heard(said);
                self.went_on(result);
            }
            (phase, result) => panic!("a response in {phase:?} did {result:?}"),
        }
    }

    /// Keeps the books on what the server asked for.
    fn heard(&mut self, said: &Said) {
        match said.reply {
            Reply::Start { interval, expires_in } if !self.shown => {
                self.interval = Duration::from_secs(interval.unwrap_or(5).max(1));
                self.expires_at = Some(self.now + Duration::from_secs(expires_in.min(3600)));
            }
            Reply::SlowDown => self.interval += Duration::from_secs(5),
            _ => {}
        }
        self.earliest = self.now + self.interval;
        let answered = !matches!(said.reply, Reply::Lost(_));
        if let Some(retry_after) = said.retry_after.filter(|_| self.shown && answered) {
            self.earliest = self.earliest.max(self.now + retry_after);
        }
    }

    /// Something new was allowed to happen.
    fn went_on(&mut self, result: Result<Action<String>, Error>) {
        self.phase = match result {
            Ok(Action::Send(request)) => {
                assert!(request.timeout <= Duration::from_secs(30), "{:?}", request.timeout);
                assert!(request.timeout >= Duration::from_secs(1), "{:?}", request.timeout);
                if self.shown {
                    assert!(self.now >= self.earliest, "polled too soon");
                    assert!(self.expires_at.is_none_or(|end| self.now < end), "polled too late");
                }
                Phase::Sent
            }
            Ok(Action::Show(prompt)) => {
                assert!(!self.shown, "shown twice");
                self.shown = true;
                // Any reply may have started it, so believe the prompt where the books have none.
                self.interval = prompt.interval;
                self.earliest = self.now + prompt.interval;
                self.expires_at = Some(prompt.expires_at);
                Phase::Ready
            }
            Ok(Action::WaitUntil(until)) if !self.shown => {
                let machine = self.machine.printed();
                assert!(machine.starts_with("Discover "), "waits without a prompt: {machine}");
                assert!(!self.has_paused, "waits twice without a prompt");
                self.has_paused = true;
                assert!(until <= self.now + Duration::from_secs(5), "waits long without a prompt");
                if until > self.now { Phase::WaitingUntil(until) } else { Phase::Ready }
            }
            Ok(Action::WaitUntil(until)) => {
                let end = self.expires_at.expect("a prompt has an expiry");
                assert!(until <= end.max(self.now), "waits beyond the expiry");
                assert!(until >= self.earliest.min(end), "would poll too soon");
                if until > self.now { Phase::WaitingUntil(until) } else { Phase::Ready }
            }
            Ok(Action::Done(printed)) => {
                no_canary(&printed);
                Phase::Done
            }
            Ok(Action::AwaitResponse) => panic!("awaits a response to nothing"),
            Err(Error::Finished | Error::UnexpectedResponse) => panic!("ended without an end"),
            Err(Error::LoginExpired) if self.expires_at.is_some() => Phase::Failed,
            Err(_) => Phase::Failed,
        };
    }

    fn step(&mut self, input: Input) -> Result<Action<String>, Error> {
        no_canary(&format!("{input:?}"));
        let result = self.machine.step(input, self.now);
        no_canary(&self.machine.printed());
        no_canary(&format!("{result:?}"));
        if let Err(error) = &result {
            no_canary(&error.to_string());
        }
        result
    }
}

fn no_canary(printed: &str) {
    assert!(!printed.contains(CANARY), "a secret is in {printed}");
}
