//! Answers of servers that are broken, or mean to be: `hostile.json`.
//!
//! ```text
//! file     = {"outcomes": {class: outcome}, "providers": {name: stored form of a Provider},
//!             "endpoints": [endpoint, …], "mutations": [mutation, …]}
//! endpoint = {"name", "machine", "input"?, "providers": [name, …], "answer": the good body,
//!             "begin"?: answers before it, "then"?: answers after it, "good"?: outcome,
//!             "outcomes"?: {class: outcome}, "fields"?: {name: outcome or {class: outcome}},
//!             "mutations"?: [mutation, …]}
//! mutation = {"name", "class" or "expect": outcome, "status"?: one or more,
//!             "json": text | "set": fields | "body": parts, "insert"?: parts behind the first brace,
//!             "keep"?: percent, "drop"?: bytes, "encoding"?, "before"?: parts, "after"?: parts}
//!          | {"name", "class", "each": "absent" or {"value"}}: each field in turn
//!          | {"name", "class", "browsers"?: the class that it may have in a page instead,
//!             "wire": parts, "again"?: parts without end,
//!             "end"?: "hang" | "slow"}: bytes of a connection, for a real client only (a page's:
//!             tests/browser/hostile.test.mjs)
//! parts    = text, a byte, {"$repeat"} or a list of parts; in "wire" {"good"}, {"length"},
//!            {"chunk"} and {"elsewhere"} too
//! outcome  = "done", or an error's code
//! ```
//!
//! Each endpoint is given the whole table of mutations. What a class of them comes to is what the
//! endpoint says, or else the file; the class `same`, and a field that does not matter, are as if
//! the answer had been good. The machine is told the mutated answer until it ends, or once where
//! there are answers after it. `api` and `accounts` are no machines but what a session asks its API
//! server, natively only; an account list with another status is `api_status`.

#![cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "a page has no sockets"))]

use std::collections::VecDeque;
use std::time::Duration;

use astropass_core::wire::{ParseJson, Value};
use astropass_core::{HttpError, Request, Response};

use super::contract::ensure;
use super::conversation::{Answer, Conversation};
use super::{json, machine, runner};

/// The longest that anything may take whose answers come just before their deadlines: a login that
/// may be approved for an hour, the request before that, and one that was sent in its last second.
const LONGEST: Duration = Duration::from_secs(3600 + 30 + 1);

/// An endpoint with one mutated answer.
pub(crate) struct Case<'a> {
    pub(crate) name: String,
    pub(crate) endpoint: &'a Value,
    pub(crate) provider: Option<&'a Value>,
    pub(crate) class: String,
    /// Whether it differs from the case before in a status or in one field of its JSON only.
    pub(crate) is_variant: bool,
    pub(crate) hostile: Hostile,
    pub(crate) expected: String,
}

/// Whoever gives the hostile answer.
pub(crate) type Answering<'a> =
    dyn FnMut(&Request) -> Result<Result<Response, HttpError>, String> + 'a;

pub(crate) enum Hostile {
    Answer {
        status: u16,
        body: Vec<u8>,
    },
    /// The mutation itself, for whoever has a connection, and the good body.
    Wire(Value, Vec<u8>),
}

/// The file with what stands for something longer in its endpoints.
pub(crate) fn read(file: &Value) -> Value {
    Value::map([
        ("outcomes", file.field("outcomes").cloned()),
        ("providers", file.field("providers").cloned()),
        ("endpoints", file.field("endpoints").map(json::expand)),
        ("mutations", file.field("mutations").cloned()),
    ])
}

/// Runs all that needs no connection, and gives their number.
pub(crate) fn run(file: &Value, parse: ParseJson) -> Result<usize, Vec<String>> {
    let file = read(file);
    let cases = cases(&file).map_err(|problem| vec![problem])?;
    let mut run = 0;
    let mut failures = Vec::new();
    for case in cases {
        let Hostile::Answer { status, body } = &case.hostile else { continue };
        // Core has no API server.
        if matches!(case.endpoint.string("machine"), Some("api" | "accounts")) {
            continue;
        }
        run += 1;
        let mut hostile = |_: &Request| Ok(response(*status, body));
        if let Err(failure) = case.run(parse, &mut hostile) {
            failures.push(format!("{}: {failure}", case.name));
        }
    }
    if failures.is_empty() { Ok(run) } else { Err(failures) }
}

/// Every endpoint at each of its providers with every mutation.
pub(crate) fn cases(file: &Value) -> Result<Vec<Case<'_>>, String> {
    let mut cases = Vec::new();
    let common = list(file, "mutations");
    for endpoint in list(file, "endpoints") {
        let answer = endpoint.field("answer").ok_or("an endpoint without an answer")?;
        for provider in list(endpoint, "providers") {
            let provider = provider.as_str().ok_or("a provider without a name")?;
            let own = list(endpoint, "mutations");
            for mutation in common.iter().chain(own) {
                let name = |of: &str| {
                    let (endpoint, mutation) = (endpoint.string("name"), mutation.string("name"));
                    let [endpoint, mutation] = [endpoint, mutation].map(Option::unwrap_or_default);
                    format!("{endpoint} ({provider}): {mutation}{of}")
                };
                for (index, (of, hostile, field)) in
                    mutated(answer, mutation)?.into_iter().enumerate()
                {
                    cases.push(Case {
                        name: name(&of),
                        endpoint,
                        provider: file.field("providers").and_then(|all| all.field(provider)),
                        class: mutation.string("class").unwrap_or_default().to_owned(),
                        is_variant: index > 0 || field.is_some(),
                        hostile,
                        expected: expected(file, endpoint, mutation, field)?,
                    });
                }
            }
        }
    }
    Ok(cases)
}

impl Case<'_> {
    /// Leads the conversation through the hostile answer and compares how it ends.
    pub(crate) fn run(&self, parse: ParseJson, hostile: &mut Answering<'_>) -> Result<(), String> {
        let machine = self.endpoint.string("machine").ok_or("no machine")?;
        let file = Value::map([("provider", self.provider.cloned())]);
        let mut answers = self.answers(|request| hostile(request));
        let talk = Conversation::new(&file, self.endpoint, &mut answers);
        let events = machine::events(machine, &talk, parse)?;
        let end = events.last().ok_or("nothing happened")?;
        let took = Duration::from_millis(end.seconds("at").unwrap_or_default());
        ensure(took <= LONGEST, &format!("it took {took:?}"))?;
        let outcome = match end.field("error") {
            Some(error) => error.string("code").unwrap_or_default(),
            None => "done",
        };
        ensure(outcome == self.expected, &format!("{outcome} in place of {}", self.expected))
    }
}

impl<'a> Case<'a> {
    /// Answers as the endpoint's file says, and with `hostile` where it is the answer's turn.
    pub(crate) fn answers<F>(
        &self,
        mut hostile: F,
    ) -> impl FnMut(&Request) -> Result<Answer, String> + use<'a, F>
    where
        F: FnMut(&Request) -> Result<Result<Response, HttpError>, String>,
    {
        let endpoint = self.endpoint;
        let mut begin: VecDeque<&Value> = list(endpoint, "begin").iter().collect();
        let mut then: VecDeque<&Value> = list(endpoint, "then").iter().collect();
        let (mut told, once) = (false, !then.is_empty());
        move |request| {
            let result = match begin.pop_front() {
                Some(answer) => runner::response(answer)?,
                None if told && once => {
                    runner::response(then.pop_front().ok_or("a request too many")?)?
                }
                None => {
                    told = true;
                    hostile(request)?
                }
            };
            // As late as it may be.
            Ok(Answer { after: request.timeout, result })
        }
    }
}

/// A mutation of a good answer: its name, the answer, and the name of the field.
type Mutated<'a> = (String, Hostile, Option<&'a str>);

fn mutated<'a>(answer: &'a Value, mutation: &Value) -> Result<Vec<Mutated<'a>>, String> {
    let good = json::text(answer).into_bytes();
    if mutation.field("wire").is_some() {
        return Ok(vec![(String::new(), Hostile::Wire(mutation.clone(), good), None)]);
    }
    if let Some(each) = mutation.field("each") {
        let Value::Map(fields) = answer else { return Ok(Vec::new()) };
        let value = match each {
            Value::Map(each) => each.first().map(|(_, value)| json::expand(value)),
            _ => None,
        };
        return Ok(fields
            .iter()
            .map(|(name, _)| {
                let body = json::text(&with(answer, name, value.clone())).into_bytes();
                (format!(" ({name})"), Hostile::Answer { status: 200, body }, Some(name.as_str()))
            })
            .collect());
    }
    let body = body(answer, good, mutation)?;
    let statuses = match mutation.field("status") {
        Some(Value::List(statuses)) => statuses.clone(),
        Some(status) => vec![status.clone()],
        None => vec![200.into()],
    };
    let one = |status: &Value| {
        let Value::Number(status) = status else { return Err("a status is a number".to_owned()) };
        let of = if statuses.len() > 1 { format!(" ({status})") } else { String::new() };
        Ok((of, Hostile::Answer { status: *status as u16, body: body.clone() }, None))
    };
    statuses.iter().map(one).collect()
}

fn body(answer: &Value, good: Vec<u8>, mutation: &Value) -> Result<Vec<u8>, String> {
    let mut body = good;
    if let Some(text) = mutation.string("json") {
        body = text.into();
    }
    if let Some(Value::Map(fields)) = mutation.field("set") {
        let mut changed = answer.clone();
        for (name, value) in fields {
            changed = with(&changed, name, Some(value.clone()));
        }
        body = json::text(&changed).into_bytes();
    }
    if let Some(other) = mutation.field("body") {
        body = parts(other)?;
    }
    if let Some(inserted) = mutation.field("insert") {
        let brace = body.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
        let rest = body.split_off(brace);
        body.extend(parts(inserted)?);
        // A comma with nothing behind it would be one more mutation.
        if rest == b"}" && body.ends_with(b",") {
            body.pop();
        }
        body.extend(rest);
    }
    if let Some(percent) = mutation.seconds("keep") {
        body.truncate(body.len() * percent as usize / 100);
    }
    body.truncate(body.len().saturating_sub(mutation.seconds("drop").unwrap_or(0) as usize));
    if let Some(encoding) = mutation.string("encoding") {
        body = encoded(&body, encoding)?;
    }
    let around = |name| mutation.field(name).map(parts).transpose();
    let before = around("before")?.unwrap_or_default();
    let after = around("after")?.unwrap_or_default();
    Ok([before, body, after].concat())
}

/// ASCII in an encoding of wider units.
fn encoded(ascii: &[u8], encoding: &str) -> Result<Vec<u8>, String> {
    let unit: fn(u8) -> Vec<u8> = match encoding {
        "utf-16le" => |byte| vec![byte, 0],
        "utf-16be" => |byte| vec![0, byte],
        "utf-32be" => |byte| vec![0, 0, 0, byte],
        other => return Err(format!("there is no encoding {other}")),
    };
    Ok(ascii.iter().flat_map(|byte| unit(*byte)).collect())
}

/// The bytes of text, of a number, of what is repeated, or of a list of these.
pub(crate) fn parts(value: &Value) -> Result<Vec<u8>, String> {
    match json::expand(value) {
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        Value::Number(byte) => Ok(vec![byte as u8]),
        Value::List(values) => {
            let parts: Result<Vec<_>, _> = values.iter().map(parts).collect();
            Ok(parts?.concat())
        }
        other => Err(format!("{other:?} has no bytes")),
    }
}

/// An object with another value in one field, or without it.
fn with(object: &Value, name: &str, value: Option<Value>) -> Value {
    let mut object = object.clone();
    object.set(name, value);
    object
}

/// How a conversation with this mutation must end.
fn expected(
    file: &Value,
    endpoint: &Value,
    mutation: &Value,
    field: Option<&str>,
) -> Result<String, String> {
    if let Some(outcome) = mutation.string("expect") {
        return Ok(outcome.to_owned());
    }
    let class = mutation.string("class").ok_or("a mutation without class or outcome")?;
    let good = endpoint.string("good").unwrap_or("done");
    if let Some(field) = field {
        let outcomes = endpoint.field("fields").and_then(|fields| fields.field(field));
        // What is no plain text is in the class `text`, and a list in `type`, where the endpoint makes
        // no difference.
        let of_text = || outcomes?.string("text").filter(|_| TEXTS.contains(&class));
        let of_list = || outcomes?.string("type").filter(|_| class == "list");
        let outcome = match outcomes {
            Some(Value::String(all)) => Some(all.as_str()),
            Some(outcomes) => outcomes.string(class).or_else(of_text).or_else(of_list),
            None => None,
        };
        return Ok(outcome.unwrap_or(good).to_owned());
    }
    if class == "same" {
        return Ok(good.to_owned());
    }
    let outcome = |of: &Value| Some(of.field("outcomes")?.string(class)?.to_owned());
    let outcome = outcome(endpoint).or_else(|| outcome(file));
    outcome.ok_or_else(|| format!("there is no class {class}"))
}

const TEXTS: [&str; 4] = ["empty", "text", "words", "long"];

pub(crate) fn response(status: u16, body: &[u8]) -> Result<Response, HttpError> {
    Ok(Response {
        status,
        headers: Vec::new(),
        date: None,
        retry_after: 0,
        body: body.to_vec().into(),
    })
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.field(name).and_then(Value::as_list).unwrap_or_default()
}
