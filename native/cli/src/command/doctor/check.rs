use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::failure::{Failure, STORE};
use crate::output::{self, BOLD, DIM, GREEN, RED, YELLOW};
use crate::program::Program;

/// What is in no report.
const LEFT_OUT: &str = "tokens, codes, passwords, names, ids, most of the e-mail address";

/// One thing that was looked at.
pub(super) struct Check {
    name: &'static str,
    status: Status,
    message: String,
    /// More of it for programs: a field each
    facts: Vec<(&'static str, Value)>,
}

/// Why something could not be looked at.
#[derive(Clone, Copy)]
pub(super) struct Unknown {
    pub(super) why: &'static str,
    /// The check that says what to do
    pub(super) see: &'static str,
}

/// What is not well says what to do next.
enum Status {
    Ok,
    Warning { next: String },
    Failure { next: String, exit: u8, code: &'static str },
}

impl Check {
    pub(super) fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, message: message.into(), facts: Vec::new() }
    }

    pub(super) fn warning(
        name: &'static str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { status: Status::Warning { next: next.into() }, ..Self::ok(name, message) }
    }

    pub(super) fn failure(name: &'static str, failure: impl Into<Failure>) -> Self {
        let failure = failure.into();
        let happened = failure.happened().trim_end_matches('.').to_owned();
        let Failure { exit, code, next, .. } = failure;
        let mut chars = next.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        let next = first.chain(chars).collect();
        Self { status: Status::Failure { next, exit, code }, ..Self::ok(name, happened) }
    }

    /// A fault of the folder that no command has an error of its own for.
    pub(super) fn denied(name: &'static str, message: String, next: &str) -> Self {
        Self::failure(name, Failure::new(STORE, "store_denied", message).advise(next))
    }

    /// What did not answer in time.
    pub(super) fn hung(name: &'static str, what: &str) -> Self {
        let message = format!("nothing came from {what} in time");
        let failure = Failure::new(STORE, "store_unavailable", message);
        Self::failure(name, failure.advise("See whether its disk or its program hangs."))
    }

    pub(super) fn unknown(name: &'static str, Unknown { why, see }: Unknown) -> Self {
        Self::warning(name, format!("not known, because {why}"), see_above(see))
    }

    /// The same, saying first what it is about.
    pub(super) fn about(self, what: &impl std::fmt::Debug) -> Self {
        Self { message: format!("{what:?}: {}", self.message), ..self }
    }

    /// The same in other words.
    pub(super) fn message(self, message: String) -> Self {
        Self { message, ..self }
    }

    /// The same, saying `more` at its end.
    pub(super) fn and(self, more: &str) -> Self {
        Self { message: self.message + more, ..self }
    }

    pub(super) fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    fn next(&self) -> Option<String> {
        match &self.status {
            Status::Ok => None,
            Status::Warning { next } | Status::Failure { next, .. } => Some(pasteable(next)),
        }
    }

    fn to_json(&self) -> Value {
        let (status, code) = match self.status {
            Status::Ok => ("ok", None),
            Status::Warning { .. } => ("warning", None),
            Status::Failure { code, .. } => ("failure", Some(code)),
        };
        let mut check = Map::new();
        check.insert("check".to_owned(), self.name.to_lowercase().replace(' ', "_").into());
        check.insert("status".to_owned(), status.into());
        check.insert("message".to_owned(), pasteable(&self.message).into());
        check.insert("next".to_owned(), self.next().into());
        if let Some(code) = code {
            check.insert("code".to_owned(), code.into());
        }
        check.extend(self.facts.iter().map(|(name, value)| {
            let value = match value {
                Value::String(text) => pasteable(text).into(),
                value => value.clone(),
            };
            ((*name).to_owned(), value)
        }));
        check.into()
    }

    fn show(&self) {
        let (style, mark) = match self.status {
            Status::Ok => (GREEN, '✓'),
            Status::Warning { .. } => (YELLOW, '!'),
            Status::Failure { .. } => (RED, '✗'),
        };
        let (name, message) = (self.name, pasteable(&self.message));
        output::line(&format!("{style}{mark}{style:#} {name:<12} {message}"));
        if let Some(next) = self.next() {
            output::line(&format!("{:<14} {DIM}→{DIM:#} {next}", ""));
        }
    }
}

/// The next step that another check names.
pub(super) fn see_above(name: &str) -> String {
    format!("See {name} above.")
}

/// `text` without what could act on a terminal, and with `~` for the user's home directory, whose
/// name is often his own.
fn pasteable(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let home = std::env::home_dir().and_then(|home| home.to_str().map(str::to_owned));
    let Some(home) = home.filter(|home| home.len() > 1) else { return text };
    let mut parts = text.split(home.as_str());
    let mut tidy = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let goes_on = part.starts_with(|c: char| c.is_alphanumeric() || "-_.".contains(c));
        tidy.push_str(if goes_on { &home } else { "~" });
        tidy.push_str(part);
    }
    tidy
}

/// Everything that was looked at, shown as it comes, or at the end as JSON.
pub(super) struct Report {
    json: bool,
    checks: Vec<Check>,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, checks: Vec::new() }
    }

    pub(super) fn add(&mut self, check: Check) {
        if !self.json {
            check.show();
        }
        self.checks.push(check);
    }

    pub(super) fn extend(&mut self, checks: impl IntoIterator<Item = Check>) {
        checks.into_iter().for_each(|check| self.add(check));
    }

    /// That something is not known because of `why`, which the last failure explains.
    pub(super) fn because(&self, why: &'static str) -> Unknown {
        let last = self.checks.iter().rfind(|check| matches!(check.status, Status::Failure { .. }));
        Unknown { why, see: last.map_or("Home", |check| check.name) }
    }

    /// Sums up, and gives the exit code of the first failure.
    pub(super) fn finish(self) -> ExitCode {
        let count = |is: fn(&Status) -> bool| self.checks.iter().filter(|c| is(&c.status)).count();
        let failures = count(|status| matches!(status, Status::Failure { .. }));
        let warnings = count(|status| matches!(status, Status::Warning { .. }));
        if self.json {
            let checks: Vec<_> = self.checks.iter().map(Check::to_json).collect();
            output::json(&json!({
                "program": Program::running().name(),
                "failures": failures,
                "warnings": warnings,
                "left_out": LEFT_OUT,
                "checks": checks,
            }));
        } else {
            let counted = |count: usize, what: &str| match count {
                0 => format!("no {what}s"),
                1 => format!("1 {what}"),
                _ => format!("{count} {what}s"),
            };
            let sum = format!("{}, {}", counted(failures, "failure"), counted(warnings, "warning"));
            output::line(&format!("\n{BOLD}{sum}{BOLD:#}"));
            output::line(&format!("{DIM}Left out: {LEFT_OUT}. ~ is the home directory.{DIM:#}"));
        }
        let first = self.checks.iter().find_map(|check| match check.status {
            Status::Failure { exit, .. } => Some(exit),
            Status::Ok | Status::Warning { .. } => None,
        });
        first.map_or(ExitCode::SUCCESS, ExitCode::from)
    }
}
