//! One conversation with a machine, driven in virtual time.
//!
//! The driver sends, waits and shows as any would. On the way it also does what a driver must not,
//! and wants the machine to stand it: ticks that come too early, responses that nobody asked for,
//! and steps after the end. Nothing that a machine prints may hold a secret.

use std::fmt::Debug;
use std::time::Duration;

use astropass_core::flow::{Action, Device, Discover, Flow, Input, Refresh, Revoke, Userinfo};
use astropass_core::wire::{ParseJson, Value};
use astropass_core::{
    Credentials, Error, HttpError, Identity, Instant, Provider, Request, Response, Secret,
    Timestamp,
};

use super::contract::{awaits_response, ensure, has_ended, refuses_unsolicited, waits};
use super::describe;

/// What is said to a machine.
pub(crate) struct Conversation<'a> {
    pub(crate) machine: &'a str,
    pub(crate) provider: Option<&'a Value>,
    pub(crate) input: &'a Value,
    /// What nothing may print.
    pub(crate) secrets: Vec<&'a str>,
    pub(crate) parse: ParseJson,
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

impl Conversation<'_> {
    /// What the machine does until its end; nothing if it cannot be made.
    pub(crate) fn events(&self, answers: &mut Answers<'_>) -> Result<Vec<Value>, String> {
        let text = |name| self.input.string(name).map(str::to_owned);
        let secret = |name| text(name).map(Secret::new);
        let parse = self.parse;
        match self.machine {
            "device" => {
                let device = Device::new(self.provider()?, parse);
                self.drive(device, |grant| describe::grant(grant), answers)
            }
            "refresh" => {
                let token = secret("refresh_token").ok_or("no refresh_token")?;
                let refresh = Refresh::new(self.provider()?, token, text("organization"), parse);
                self.drive(refresh, |grant| describe::grant(grant), answers)
            }
            "discover" => {
                let issuer = self.input.string("issuer").ok_or("no issuer")?;
                self.drive(Discover::new(issuer, parse), describe::endpoints, answers)
            }
            "userinfo" => {
                let token = secret("access_token").ok_or("no access_token")?;
                let userinfo = Userinfo::new(self.provider()?, token, text("subject"), parse);
                self.drive(userinfo, describe::user, answers)
            }
            "revoke" => {
                let provider = self.provider()?;
                let credentials = Credentials {
                    identity: Identity {
                        issuer: provider.issuer.clone(),
                        client_id: provider.client_id.clone(),
                        subject: None,
                        organization: None,
                    },
                    user: None,
                    access_token: secret("access_token").ok_or("no access_token")?,
                    refresh_token: secret("refresh_token"),
                    received_at: Timestamp::from_unix(0),
                    lifetime: None,
                };
                let revoke = Revoke::new(&provider, &credentials, parse);
                match revoke.map_err(|error| error.to_string())? {
                    Some(revoke) => self.drive(revoke, |()| Value::Bool(true), answers),
                    None => Ok(Vec::new()),
                }
            }
            other => Err(format!("there is no machine {other}")),
        }
    }

    fn provider(&self) -> Result<Provider, String> {
        let stored = self.provider.ok_or("no provider")?;
        Provider::from_value(stored).ok_or_else(|| "the provider cannot be read".to_owned())
    }

    fn drive<F: Flow<Output: Debug> + Debug>(
        &self,
        mut flow: F,
        describe: impl Fn(&F::Output) -> Value,
        answers: &mut Answers<'_>,
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
                    let answer = answers(&request)?;
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

    fn shows_no_secret<T: Debug>(
        &self,
        flow: &impl Debug,
        step: &Result<T, Error>,
    ) -> Result<(), String> {
        let mut printed = format!("{flow:?} {step:?}");
        if let Err(error) = step {
            printed.push_str(&error.to_string());
        }
        match self.secrets.iter().find(|secret| printed.contains(**secret)) {
            Some(secret) => Err(format!("the secret {secret} is in {printed}")),
            None => Ok(()),
        }
    }
}

/// Texts that no `Debug` and no error may hold: the strings of secret fields.
pub(crate) fn collect_secrets<'a>(value: &'a Value, secrets: &mut Vec<&'a str>) {
    const NAMES: [&str; 4] = ["access_token", "refresh_token", "id_token", "device_code"];
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

fn event(now: Instant, name: &str, what: Value) -> Value {
    Value::map([("at", Some(describe::millis(now, START))), (name, Some(what))])
}
