//! One conversation with a machine, driven in virtual time.
//!
//! The driver sends, waits and shows as any would. On the way it also does what a driver must not,
//! and wants the machine to stand it: ticks that come too early, responses that nobody asked for,
//! and steps after the end. Nothing that a machine prints may hold a secret.

use std::cell::RefCell;
use std::fmt::Debug;
use std::time::Duration;

use astropass_core::flow::{Action, Flow, Input};
use astropass_core::wire::Value;
use astropass_core::{Error, HttpError, Instant, Request, Response};

use super::contract::{awaits_response, ensure, has_ended, refuses_unsolicited, waits};
use super::describe;

/// What is said to a machine.
pub(crate) struct Conversation<'a> {
    pub(crate) file: &'a Value,
    pub(crate) vector: &'a Value,
    answers: RefCell<&'a mut Answers<'a>>,
}

/// What a request is answered with, and when.
pub(crate) struct Answer {
    pub(crate) after: Duration,
    pub(crate) result: Result<Response, HttpError>,
}

/// Whoever answers requests; an error if there was one too many.
pub(crate) type Answers<'a> = dyn FnMut(&Request) -> Result<Answer, String> + 'a;

/// Where the clock starts: its start has no meaning, so no machine may take it for one.
const START: Instant = Instant::from_millis(86_400_000);
/// More steps than any login of an hour takes.
const MAX_STEPS: usize = 10_000;

impl<'a> Conversation<'a> {
    pub(crate) fn new(file: &'a Value, vector: &'a Value, answers: &'a mut Answers<'a>) -> Self {
        Self { file, vector, answers: RefCell::new(answers) }
    }

    pub(crate) fn run<F: Flow<Output: Debug> + Debug>(
        &self,
        mut flow: F,
        describe: impl Fn(&F::Output) -> Value,
    ) -> Result<Vec<Value>, String> {
        let mut events = Vec::new();
        let mut now = START;
        let mut input = Input::Tick;
        refuses_unsolicited(&mut flow, now)?;
        for _ in 0..MAX_STEPS {
            let step = flow.step(input, now);
            self.shows_no_secret(&flow, &step)?;
            input = Input::Tick;
            let (name, what) = match step {
                Ok(Action::Send(request)) => {
                    let accepts = request.headers.iter().any(|(name, _)| name == "accept");
                    ensure(accepts, "a request does not say that it wants JSON")?;
                    let answer = (self.answers.borrow_mut())(&request)?;
                    events.push(event(now, "send", describe::request(&request)));
                    awaits_response(&mut flow, now)?;
                    now = now + answer.after;
                    awaits_response(&mut flow, now)?;
                    input = Input::Response(answer.result.map(Box::new));
                    continue;
                }
                Ok(Action::WaitUntil(until)) => {
                    waits(&mut flow, now, until)?;
                    now = until.max(now);
                    continue;
                }
                Ok(Action::Show(prompt)) => {
                    refuses_unsolicited(&mut flow, now)?;
                    ("show", describe::prompt(&prompt, START))
                }
                Ok(Action::Done(output)) => ("done", describe(&output)),
                Ok(Action::AwaitResponse) => return Err("nothing was sent".to_owned()),
                Err(error) => ("error", describe::error(&error)),
            };
            events.push(event(now, name, what));
            if name != "show" {
                has_ended(&mut flow, now)?;
                return Ok(events);
            }
        }
        Err("it does not end".to_owned())
    }

    pub(crate) fn shows_no_secret<T: Debug>(
        &self,
        flow: &impl Debug,
        step: &Result<T, Error>,
    ) -> Result<(), String> {
        let mut printed = format!("{flow:?} {step:?}");
        if let Err(error) = step {
            printed.push_str(&error.to_string());
        }
        let mut secrets = Vec::new();
        for shared in ["begin", "secrets"] {
            collect_secrets(self.file.field(shared).unwrap_or(&Value::Null), &mut secrets);
        }
        collect_secrets(self.vector, &mut secrets);
        match secrets.iter().find(|secret| printed.contains(**secret)) {
            Some(secret) => Err(format!("the secret {secret} is in {printed}")),
            None => Ok(()),
        }
    }
}

/// Texts that no `Debug` and no error may hold: the strings of secret fields.
fn collect_secrets<'a>(value: &'a Value, secrets: &mut Vec<&'a str>) {
    const NAMES: [&str; 9] = [
        "access_token",
        "refresh_token",
        "id_token",
        "device_code",
        // Houston's
        "password",
        "value",
        // What `code` makes of its entropy, and the code that the browser brings.
        "state",
        "code_verifier",
        "authorization_code",
    ];
    match value {
        Value::List(values) => values.iter().for_each(|value| collect_secrets(value, secrets)),
        Value::Map(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if NAMES.contains(&name.as_str()) && text.len() > 4 => {
                        secrets.push(text);
                    }
                    value => collect_secrets(value, secrets),
                }
            }
        }
        _ => {}
    }
}

/// What happens at the start, before a machine is there.
pub(crate) fn first_event(name: &str, what: Value) -> Value {
    event(START, name, what)
}

fn event(now: Instant, name: &str, what: Value) -> Value {
    Value::map([("at", Some(describe::millis(now, START))), (name, Some(what))])
}
