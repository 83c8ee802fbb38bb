//! What can go wrong on purpose.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::route::Endpoint;

/// One rule: the requests it concerns, which of them, and what happens to those.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The requests it concerns, and counts.
    pub target: Target,
    /// Which of them go wrong.
    pub on: On,
    /// What happens.
    pub what: What,
}

impl Fault {
    /// The `n`th matching request from now on, counted from 1.
    pub fn nth(target: impl Into<Target>, n: u32, what: What) -> Self {
        Self { target: target.into(), on: On::Nth(n), what }
    }

    /// The next `n` matching requests.
    pub fn next(target: impl Into<Target>, n: u32, what: What) -> Self {
        Self { target: target.into(), on: On::Next(n), what }
    }

    /// Every matching request.
    pub fn every(target: impl Into<Target>, what: What) -> Self {
        Self { target: target.into(), on: On::Every, what }
    }
}

/// The requests a fault concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything except `/_test/`.
    Any,
    /// One endpoint. The two dialects' device and token endpoints count as one each.
    Endpoint(Endpoint),
    /// Token requests with the authorization code grant.
    Code,
    /// Token requests with the device code grant.
    Poll,
    /// Token requests with the refresh token grant.
    Refresh,
}

impl From<Endpoint> for Target {
    fn from(endpoint: Endpoint) -> Self {
        Self::Endpoint(endpoint)
    }
}

/// Which of the matching requests go wrong, counted since the fault was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Only this one, counted from 1.
    Nth(u32),
    /// This many, then no more.
    Next(u32),
    /// All.
    Every,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It is processed at once, and the answer held back for this long.
    Delay(Duration),
    /// It is not processed and never answered.
    Hang,
    /// It is not processed, and the connection is closed.
    CutBeforeProcessing,
    /// It is processed, and the connection is closed without the answer: a lost reply.
    CutAfterProcessing,
    /// It is not processed; an empty answer with this status and perhaps `Retry-After` seconds.
    Status(u16, Option<u32>),
    /// It is not processed; an HTML page with this status, as a proxy would send.
    Html(u16),
    /// A poll is answered with `slow_down`, and from then on must keep the longer interval.
    SlowDown,
    /// It is not processed; this answer instead.
    RawBody {
        /// Status.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// It is not processed; the answer is a JSON string that never ends.
    EndlessBody,
    /// It is processed, and the answer's body comes a byte at a time, this far apart.
    SlowBytes(Duration),
    /// It is not processed; 307 to this URL.
    Redirect(String),
    /// It is processed, and the `Date` of the answer is off by this many seconds.
    DateSkew(i64),
}

/// A fault in the form a command line takes: `TARGET:WHICH:WHAT`.
///
/// `WHICH` is a number (that one), `+` and a number (the next ones) or `*` (every one).
impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let mut parts = text.splitn(3, ':');
        let (Some(target), Some(on), Some(what)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(BadFault(text.to_owned()));
        };
        let fault = || {
            Some(Self { target: parse_target(target)?, on: parse_on(on)?, what: parse_what(what)? })
        };
        fault().ok_or_else(|| BadFault(text.to_owned()))
    }
}

fn parse_target(text: &str) -> Option<Target> {
    Some(match text {
        "any" => Target::Any,
        "code" => Target::Code,
        "poll" => Target::Poll,
        "refresh" => Target::Refresh,
        other => Target::Endpoint(Endpoint::from_name(other)?),
    })
}

fn parse_on(text: &str) -> Option<On> {
    Some(match text.strip_prefix('+') {
        _ if text == "*" => On::Every,
        Some(count) => On::Next(count.parse().ok()?),
        None => On::Nth(text.parse().ok()?),
    })
}

fn parse_what(text: &str) -> Option<What> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    Some(match (name, value) {
        ("delay", Some(seconds)) => What::Delay(parse_seconds(seconds)?),
        ("hang", None) => What::Hang,
        ("cut", None) => What::CutBeforeProcessing,
        ("lost-reply", None) => What::CutAfterProcessing,
        ("status", Some(value)) => match value.split_once(',') {
            Some((status, after)) => What::Status(parse_status(status)?, Some(after.parse().ok()?)),
            None => What::Status(parse_status(value)?, None),
        },
        ("html", Some(status)) => What::Html(parse_status(status)?),
        ("slow-down", None) => What::SlowDown,
        ("body", Some(value)) => {
            let mut parts = value.splitn(3, ',');
            What::RawBody {
                status: parse_status(parts.next()?)?,
                content_type: parts.next()?.to_owned(),
                body: parts.next()?.as_bytes().to_vec(),
            }
        }
        ("endless", None) => What::EndlessBody,
        ("slow-bytes", Some(seconds)) => What::SlowBytes(parse_seconds(seconds)?),
        ("redirect", Some(url)) => What::Redirect(url.to_owned()),
        ("date", Some(seconds)) => What::DateSkew(seconds.parse().ok()?),
        _ => return None,
    })
}

fn parse_status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| (200..=599).contains(status))
}

/// Seconds with an optional fraction, such as `1.5`.
pub fn parse_seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

/// The text of a fault that could not be read.
#[derive(Debug)]
pub struct BadFault(String);

impl fmt::Display for BadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a fault: {:?} (see --help for TARGET:WHICH:WHAT)", self.0)
    }
}

impl std::error::Error for BadFault {}

/// The faults that are set, with what each has counted.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, u32)>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a request in every rule it matches; the first rule that strikes wins.
    pub(super) fn strike(&mut self, endpoint: Endpoint, grant_type: Option<&str>) -> Option<What> {
        let mut struck = None;
        for (fault, count) in &mut self.0 {
            let token = endpoint == Endpoint::Token;
            let matches = match fault.target {
                Target::Any => true,
                Target::Endpoint(target) => target == endpoint,
                Target::Code => token && grant_type == Some(super::CODE_GRANT),
                Target::Poll => token && grant_type == Some(super::DEVICE_CODE_GRANT),
                Target::Refresh => token && grant_type == Some("refresh_token"),
            };
            if !matches {
                continue;
            }
            *count = count.saturating_add(1);
            let strikes = match fault.on {
                On::Nth(n) => *count == n,
                On::Next(n) => *count <= n,
                On::Every => true,
            };
            if strikes && struck.is_none() {
                struck = Some(fault.what.clone());
            }
        }
        struck
    }
}
