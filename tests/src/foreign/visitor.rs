//! The person at the browser, who follows a link to its end.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::{node, text};

/// How a person goes through the pages at a link. By default it is whom the page proposes
/// (`login_hint`), or `ada`, and approves.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Visitor(Vec<OsString>);

/// Where it led.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The person said no.
    pub denied: bool,
    /// The client's callback that an authorization server led to, as that server wrote it.
    pub callback: Option<String>,
    /// What was seen at the callback; without one, the last page.
    pub pages: Vec<Page>,
}

/// A page as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// 0 if nobody answered.
    pub status: u64,
    /// What stands on the tab.
    pub title: String,
    /// What stands on the page, with single spaces.
    pub text: String,
}

impl Visitor {
    /// Signs in by this name, or email, whatever the page proposes.
    pub fn named(self, name: &str) -> Self {
        self.with("--login", name)
    }

    /// Presses the button that denies.
    pub fn denying(self) -> Self {
        self.flag("--deny")
    }

    /// In a browser that keeps its cookies in this file.
    pub fn cookies(self, file: &Path) -> Self {
        self.with("--cookies", file)
    }

    /// The host of this name is at a port on loopback.
    pub fn finding(self, host: &str, port: u16) -> Self {
        self.with("--port", format!("{host}={port}"))
    }

    /// Trusts only the authorities in this file.
    pub fn trusting(self, ca_file: &Path) -> Self {
        self.with("--ca", ca_file)
    }

    /// Does not open the client's callback.
    pub fn staying(self) -> Self {
        self.flag("--stay")
    }

    /// Opens the callback with another value of this parameter.
    pub fn setting(self, name: &str, value: &str) -> Self {
        self.with("--set", format!("{name}={value}"))
    }

    /// Opens the callback without this parameter.
    pub fn without(self, name: &str) -> Self {
        self.with("--unset", name)
    }

    /// After all that, opens the callback as the server sent it.
    pub fn then_true(self) -> Self {
        self.flag("--then-true")
    }

    /// Opens the last page once more.
    pub fn twice(self) -> Self {
        self.flag("--twice")
    }

    /// Follows a link. For an authorization URL, the client's callback is the last page.
    ///
    /// # Errors
    ///
    /// If a page could not be had, asks for something that no person could know, or is an error;
    /// but not for what is seen at the callback.
    pub fn visit(&self, link: &str) -> io::Result<Visit> {
        self.visit_with_code(link, None)
    }

    /// Follows a link where a user code may have to be typed.
    ///
    /// # Errors
    ///
    /// As for [`visit`](Self::visit).
    pub fn visit_with_code(&self, link: &str, user_code: Option<&str>) -> io::Result<Visit> {
        let mut person = node("person.mjs");
        let output =
            person.args(&self.0).arg(link).args(user_code).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Visit::parse(&output.stdout);
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// The arguments of the program.
    pub(super) fn arguments(&self) -> &[OsString] {
        &self.0
    }

    fn flag(mut self, name: &str) -> Self {
        self.0.push(name.into());
        self
    }

    fn with(self, name: &str, value: impl Into<OsString>) -> Self {
        let mut visitor = self.flag(name);
        visitor.0.push(value.into());
        visitor
    }
}

impl Visit {
    /// Reads what the program reports.
    pub(super) fn parse(report: &[u8]) -> io::Result<Self> {
        let report: Value = serde_json::from_slice(report)?;
        if let Some(error) = report.get("error") {
            return Err(io::Error::other(error.to_string()));
        }
        let pages = report.get("pages").and_then(Value::as_array);
        let page = |page: &Value| Page {
            url: text(page, "url"),
            status: page.get("status").and_then(Value::as_u64).unwrap_or_default(),
            title: text(page, "title"),
            text: text(page, "text"),
        };
        Ok(Self {
            denied: text(&report, "outcome") == "denied",
            callback: report.get("callback").and_then(Value::as_str).map(str::to_owned),
            pages: pages.into_iter().flatten().map(page).collect(),
        })
    }
}
