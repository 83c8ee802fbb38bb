use std::fmt;
use std::future::Future;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::wire::{Value, concat};
use crate::{Endpoint, Secret, Timestamp};

/// How a platform sends a request.
///
/// An implementation follows no redirect, reads at most [`Request::max_body`] bytes of the answer,
/// gives up after [`Request::timeout`] in all, and logs neither bodies, queries nor headers.
pub trait Http {
    /// Sends `request` once.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, HttpError>>;
}

/// A request to an [`Endpoint`].
#[derive(Clone)]
pub struct Request {
    /// `GET`, `POST`, … (RFC 9110 §9)
    pub method: String,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// Header fields beside those that follow from the other parts of the request.
    pub headers: Vec<(String, String)>,
    /// The whole `Authorization` field.
    pub authorization: Option<Secret>,
    /// The body.
    pub body: Body,
    /// Deadline for the whole exchange, connecting and reading included.
    pub timeout: Duration,
    /// Most bytes to read of the answer's body.
    pub max_body: usize,
}

/// A request's body.
#[derive(Clone)]
pub enum Body {
    /// None
    Empty,
    /// `application/x-www-form-urlencoded`, already encoded
    Form(Secret),
    /// `application/json`, to be encoded by the platform
    Json(Value),
    /// As it is; its type is in [`Request::headers`]
    Raw(Zeroizing<Vec<u8>>),
}

impl Request {
    /// Deadline of a request to a login server.
    pub const TIMEOUT: Duration = Duration::from_secs(30);
    /// Most bytes of a login server's answer.
    pub const MAX_BODY: usize = 1 << 20;

    /// A `GET` that wants JSON.
    pub(crate) fn fetch(endpoint: Endpoint) -> Box<Self> {
        Self::new("GET", endpoint, Body::Empty)
    }

    /// A `POST` that wants JSON.
    pub(crate) fn post(endpoint: Endpoint, body: Body) -> Box<Self> {
        Self::new("POST", endpoint, body)
    }

    fn new(method: &str, endpoint: Endpoint, body: Body) -> Box<Self> {
        Box::new(Self {
            method: method.to_owned(),
            endpoint,
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            authorization: None,
            body,
            timeout: Self::TIMEOUT,
            max_body: Self::MAX_BODY,
        })
    }
}

/// Method and endpoint only.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.method, self.endpoint)
    }
}

/// A response whose body was read whole.
#[derive(Clone)]
pub struct Response {
    /// RFC 9110 §15
    pub status: u16,
    /// Header fields in the order received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The `Date` field, if the platform shows it.
    pub date: Option<Timestamp>,
    /// Seconds of the `Retry-After` field, where a date is counted from [`date`](Self::date); zero
    /// without one.
    pub retry_after: u32,
    /// The body. It may hold tokens.
    pub body: Zeroizing<Vec<u8>>,
}

/// Status only.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)
    }
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// What went wrong.
    pub kind: HttpErrorKind,
    /// The platform's words for it, without secrets.
    pub detail: String,
}

/// What went wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// No connection: the server has not seen the request.
    Connect,
    /// The server's certificate was refused: the server has not seen the request.
    Certificate,
    /// The deadline passed; the server may have acted.
    Timeout,
    /// The connection broke; the server may have acted.
    Interrupted,
    /// A browser tells no more than that there is no answer: the connection broke, or the server does
    /// not let this origin read it (CORS). The server may have acted.
    Hidden,
    /// The body was larger than asked for; the server has acted.
    TooLarge,
    /// The platform cannot send this request.
    Invalid,
    /// No browser can bring its answer: another program has the port.
    PortTaken,
}

impl HttpError {
    pub(crate) fn message(&self) -> String {
        let what = match self.kind {
            HttpErrorKind::Connect => "cannot connect",
            HttpErrorKind::Certificate => "the server's certificate was refused",
            HttpErrorKind::Timeout => "no answer in time",
            HttpErrorKind::Interrupted | HttpErrorKind::Hidden => "the connection broke",
            HttpErrorKind::TooLarge => "the answer is too large",
            HttpErrorKind::Invalid => "the request cannot be sent",
            HttpErrorKind::PortTaken => "another program has the port of this login",
        };
        match self.detail.as_str() {
            "" => what.to_owned(),
            detail => concat(&[what, " (", detail, ")"]),
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for HttpError {}
