//! Runs a file of vectors against the machines, in virtual time.
//!
//! ```text
//! file   = {"machine": name, "provider"?: stored form of a Provider, "vectors": [vector, …],
//!           "begin"?: answers that each conversation begins with,
//!           "secrets"?: {name: text that must not be printed, beside those of secret fields}}
//! vector = {"name", "provider"?, "input"?: {…}, "answers": [answer, …],
//!           "expect": [event, …] or "expect_end": the last event}
//! answer = {"after"?: ms from the request, "times"?: n,
//!           "error": "connect" | "certificate" | "timeout" | "interrupted" | "too_large" | "invalid"
//!           or "status", "date"?: Unix seconds, "retry_after"?: seconds,
//!              "json": value | "text": string | "bytes": [number, …] }
//! event  = {"at": ms from the start, or a list of them,
//!           "send": {method, url, form | json, authorization, timeout} | "show": prompt
//!           | "open": url | "done": value | "error": {"code", …}}
//! ```
//!
//! The runner sends, waits and shows as a driver would, so `expect` holds whole conversations. On
//! the way it also does what a driver must not, and wants the machine to stand it: ticks that come
//! too early, responses that nobody asked for, and steps after the end.
//!
//! What each machine takes as `input` is in [`machine`]. `endpoint`, `domain` and `credentials` have
//! no conversation; see [`plain`]. For `$jwt`, `$repeat` and `$list` see [`json::expand`].

use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::Duration;

use astropass_core::flow::{Action, Flow, Input};
use astropass_core::wire::{ParseJson, Value};
use astropass_core::{Error, HttpError, HttpErrorKind, Instant, Response, Timestamp};

use super::contract::{awaits_response, ensure, has_ended, refuses_unsolicited, waits};
use super::{describe, json, machine, plain};

/// Runs all vectors of `file`, and gives their number.
///
/// # Errors
/// One text for each vector that fails.
pub(crate) fn run(file: &[u8], parse: ParseJson) -> Result<usize, Vec<String>> {
    let file = parse(file).map_err(|_| vec!["the file is not JSON".to_owned()])?;
    let vectors = file.field("vectors").and_then(Value::as_list).unwrap_or_default();
    let failures: Vec<String> = vectors
        .iter()
        .filter_map(|vector| {
            let vector = json::expand(vector);
            let failure = run_one(&file, &vector, parse).err()?;
            Some(format!("{}: {failure}", vector.string("name").unwrap_or("a vector without name")))
        })
        .collect();
    if failures.is_empty() { Ok(vectors.len()) } else { Err(failures) }
}

fn run_one(file: &Value, vector: &Value, parse: ParseJson) -> Result<(), String> {
    match file.string("machine").ok_or("the file names no machine")? {
        "endpoint" => plain::endpoint(vector),
        "domain" => plain::domain(vector),
        "credentials" => plain::credentials(vector),
        machine => compare(vector, &machine::events(machine, file, vector, parse)?),
    }
}

pub(crate) struct Conversation<'a> {
    pub(crate) file: &'a Value,
    pub(crate) vector: &'a Value,
}

/// Where the clock starts: its start has no meaning, so no machine may take it for one.
const START: Instant = Instant::from_millis(86_400_000);
/// More steps than any login of an hour takes.
const MAX_STEPS: usize = 10_000;

impl Conversation<'_> {
    pub(crate) fn run<F: Flow<Output: Debug> + Debug>(
        &self,
        mut flow: F,
        describe: impl Fn(&F::Output) -> Value,
    ) -> Result<Vec<Value>, String> {
        let mut answers = self.answers()?;
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
                    let answer = answers.pop_front().ok_or_else(|| {
                        format!("a request too many: {}", json::text(&describe::request(&request)))
                    })?;
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
                ensure(answers.is_empty(), &format!("{} answers are left over", answers.len()))?;
                return Ok(events);
            }
        }
        Err("it does not end".to_owned())
    }

    fn answers(&self) -> Result<VecDeque<Answer>, String> {
        let mut answers = VecDeque::new();
        let list = |value: Option<&Value>| match value {
            Some(Value::List(answers)) => answers.clone(),
            _ => Vec::new(),
        };
        let begin = list(self.file.field("begin"));
        for answer in begin.iter().chain(&list(self.vector.field("answers"))) {
            for _ in 0..answer.seconds("times").unwrap_or(1) {
                answers.push_back(Answer {
                    after: Duration::from_millis(answer.seconds("after").unwrap_or(0)),
                    result: response(answer)?,
                });
            }
        }
        Ok(answers)
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

struct Answer {
    after: Duration,
    result: Result<Response, HttpError>,
}

fn response(answer: &Value) -> Result<Result<Response, HttpError>, String> {
    if let Some(kind) = answer.string("error") {
        let kind = match kind {
            "connect" => HttpErrorKind::Connect,
            "certificate" => HttpErrorKind::Certificate,
            "timeout" => HttpErrorKind::Timeout,
            "interrupted" => HttpErrorKind::Interrupted,
            "too_large" => HttpErrorKind::TooLarge,
            "invalid" => HttpErrorKind::Invalid,
            other => return Err(format!("there is no error kind {other}")),
        };
        return Ok(Err(HttpError { kind, detail: String::new() }));
    }
    let status = answer.seconds("status").ok_or("an answer without status or error")?;
    let body = match (answer.field("json"), answer.string("text"), answer.field("bytes")) {
        (Some(value), None, None) => json::text(value).into_bytes(),
        (None, Some(text), None) => text.as_bytes().to_vec(),
        (None, None, Some(Value::List(bytes))) => bytes
            .iter()
            .map(|byte| match byte {
                Value::Number(byte) => *byte as u8,
                _ => 0,
            })
            .collect(),
        _ => return Err("an answer needs one of json, text and bytes".to_owned()),
    };
    Ok(Ok(Response {
        status: status as u16,
        headers: Vec::new(),
        date: answer.seconds("date").map(|date| Timestamp::from_unix(date as i64)),
        retry_after: answer.seconds("retry_after").unwrap_or(0) as u32,
        body: body.into(),
    }))
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

fn compare(vector: &Value, events: &[Value]) -> Result<(), String> {
    if let Some(expected) = vector.field("expect_end") {
        let end = events.last().unwrap_or(&Value::Null);
        return ensure(json::same(expected, end), &differ(expected, end));
    }
    let mut expected = Vec::new();
    for event in vector.field("expect").and_then(Value::as_list).ok_or("nothing is expected")? {
        let times = match event.field("at") {
            Some(Value::List(times)) => times.as_slice(),
            Some(time) => std::slice::from_ref(time),
            None => return Err("an expected event without a time".to_owned()),
        };
        for time in times {
            expected.push(with_field(event, "at", time));
        }
    }
    for index in 0..expected.len().max(events.len()) {
        let nothing = Value::Null;
        let (expected, event) =
            (expected.get(index).unwrap_or(&nothing), events.get(index).unwrap_or(&nothing));
        if !json::same(expected, &without_unnamed_timeout(event, expected)) {
            return Err(format!("event {index}\n{}", differ(expected, event)));
        }
    }
    Ok(())
}

fn differ(expected: &Value, was: &Value) -> String {
    format!("  expected {}\n  was      {}", json::text(expected), json::text(was))
}

fn with_field(value: &Value, name: &str, field: &Value) -> Value {
    let Value::Map(fields) = value else { return value.clone() };
    Value::Map(
        fields
            .iter()
            .map(|(key, value)| {
                (key.clone(), if key == name { field.clone() } else { value.clone() })
            })
            .collect(),
    )
}

/// A deadline counts only where the vector names one.
fn without_unnamed_timeout(event: &Value, expected: &Value) -> Value {
    let Some(Value::Map(fields)) = event.field("send") else { return event.clone() };
    let named = expected.field("send").is_some_and(|send| send.field("timeout").is_some());
    let kept = fields.iter().filter(|(name, _)| named || name != "timeout").cloned().collect();
    with_field(event, "send", &Value::Map(kept))
}
