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
//! `expect` holds a whole [`Conversation`].
//!
//! What each machine takes as `input` is in [`machine`]. `endpoint`, `domain` and `credentials` have
//! no conversation; see [`plain`]. For the file `hostile.json` see [`hostile`], for `$jwt`, `$repeat`
//! and `$list` see [`json::expand`].

use std::collections::VecDeque;
use std::time::Duration;

use astropass_core::wire::{ParseJson, Value};
use astropass_core::{HttpError, HttpErrorKind, Request, Response, Timestamp};

use super::contract::ensure;
use super::conversation::{Answer, Conversation};
use super::{describe, hostile, json, machine, plain};

/// Runs all vectors of `file`, and gives their number.
///
/// # Errors
/// One text for each vector that fails.
pub(crate) fn run(file: &[u8], parse: ParseJson) -> Result<usize, Vec<String>> {
    let file = parse(file).map_err(|_| vec!["the file is not JSON".to_owned()])?;
    if file.string("machine") == Some("hostile") {
        return hostile::run(&file, parse);
    }
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
        machine => {
            let mut answers = answers(file, vector)?;
            let mut answer = |request: &Request| {
                let too_many =
                    || format!("a request too many: {}", json::text(&describe::request(request)));
                answers.pop_front().ok_or_else(too_many)
            };
            let talk = Conversation::new(file, vector, &mut answer);
            let events = machine::events(machine, &talk, parse)?;
            ensure(answers.is_empty(), &format!("{} answers are left over", answers.len()))?;
            compare(vector, &events)
        }
    }
}

fn answers(file: &Value, vector: &Value) -> Result<VecDeque<Answer>, String> {
    let mut answers = VecDeque::new();
    let list = |value: Option<&Value>| match value {
        Some(Value::List(answers)) => answers.clone(),
        _ => Vec::new(),
    };
    let begin = list(file.field("begin"));
    for answer in begin.iter().chain(&list(vector.field("answers"))) {
        for _ in 0..answer.seconds("times").unwrap_or(1) {
            answers.push_back(Answer {
                after: Duration::from_millis(answer.seconds("after").unwrap_or(0)),
                result: response(answer)?,
            });
        }
    }
    Ok(answers)
}

pub(crate) fn response(answer: &Value) -> Result<Result<Response, HttpError>, String> {
    if let Some(kind) = answer.string("error") {
        let kind = match kind {
            "connect" => HttpErrorKind::Connect,
            "certificate" => HttpErrorKind::Certificate,
            "timeout" => HttpErrorKind::Timeout,
            "hidden" => HttpErrorKind::Hidden,
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
