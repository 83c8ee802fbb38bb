use std::fmt;
use std::time::Duration;

use crate::wire::{ParseJson, Value};
use crate::{HttpError, HttpErrorKind, InvalidUrl, Response, Secret, StoreError};

/// Why a sign-in, a token or a sign-out was not had.
///
/// The text says what happened; what to do next depends on the program, which can tell the cases
/// apart by the variant or by [`code`](Self::code). No variant holds a secret.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Nothing is stored.
    NotSignedIn,
    /// The server has ended the session, or it cannot be renewed: sign in again.
    SessionOver(Option<ServerError>),
    /// Another user, organization, client or issuer is signed in now.
    SessionChanged,
    /// The user, or the server's policy, refused the login.
    AccessDenied(Option<ServerError>),
    /// The login was not approved in time.
    LoginExpired,
    /// The server refused with an error of its own (RFC 6749 §5.2, or WorkOS's `code`).
    Server(ServerError),
    /// The server could not answer (429 or 5xx).
    Unavailable {
        /// The HTTP status
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server's answer is not what the standard asks for.
    MalformedResponse {
        /// Which answer, such as `token response`.
        of: &'static str,
        /// What is wrong with it.
        problem: &'static str,
        /// The HTTP status
        status: u16,
    },
    /// The server's metadata names another issuer (RFC 8414 §3.3).
    IssuerMismatch {
        /// The issuer asked for.
        expected: String,
        /// The issuer named.
        found: String,
    },
    /// The ID token is not for this login (OpenID Connect Core §3.1.3.7).
    InvalidIdToken(&'static str),
    /// The provider has no such endpoint, and none was given by hand.
    MissingEndpoint(&'static str),
    /// A URL that no secret may go to.
    InvalidUrl(InvalidUrl),
    /// What cannot name a profile.
    InvalidProfileName(String),
    /// No response.
    Http(HttpError),
    /// The credential store failed.
    Store(StoreError),
    /// The machine has ended; start a new one.
    Finished,
    /// A response that no request asked for.
    UnexpectedResponse,
}

impl Error {
    /// A stable name, the same in Rust, on the command line and in JavaScript.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "not_signed_in",
            Self::SessionOver(_) => "session_over",
            Self::SessionChanged => "session_changed",
            Self::AccessDenied(_) => "access_denied",
            Self::LoginExpired => "login_expired",
            Self::Server(_) => "server_error",
            Self::Unavailable { .. } => "server_unavailable",
            Self::MalformedResponse { .. } => "malformed_response",
            Self::IssuerMismatch { .. } => "issuer_mismatch",
            Self::InvalidIdToken(_) => "invalid_id_token",
            Self::MissingEndpoint(_) => "missing_endpoint",
            Self::InvalidUrl(_) => "invalid_url",
            Self::InvalidProfileName(_) => "invalid_profile_name",
            Self::Http(error) => match error.kind {
                HttpErrorKind::Timeout => "timeout",
                HttpErrorKind::Certificate => "certificate_refused",
                _ => "network",
            },
            Self::Store(error) => error.code(),
            Self::Finished | Self::UnexpectedResponse => "misuse",
        }
    }

    /// Whether the session may go on: everything but its end, its absence and its change.
    pub(crate) fn is_passing(&self) -> bool {
        !matches!(self, Self::NotSignedIn | Self::SessionOver(_) | Self::SessionChanged)
    }

    /// The error of an answer that is not the success of `of`, to a request with the secret `sent`.
    pub(crate) fn from_response(
        of: &'static str,
        response: &Response,
        parse: ParseJson,
        sent: Option<&Secret>,
    ) -> Self {
        let status = response.status;
        if status == 429 || status >= 500 {
            return Self::Unavailable { status, retry_after: response.retry_after };
        }
        match parse(&response.body)
            .ok()
            .and_then(|body| ServerError::from_body(&body, status, sent))
        {
            Some(error) => Self::Server(error),
            None => Self::MalformedResponse { of, problem: "it names no error", status },
        }
    }
}

impl From<InvalidUrl> for Error {
    fn from(error: InvalidUrl) -> Self {
        Self::InvalidUrl(error)
    }
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::SessionOver(error) | Self::AccessDenied(error) => {
                error.as_ref().map(|error| error as _)
            }
            Self::Server(error) => Some(error),
            Self::InvalidUrl(error) => Some(error),
            Self::Http(error) => Some(error),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn => f.write_str("not signed in"),
            Self::SessionOver(None) => f.write_str("the session is over"),
            Self::SessionOver(Some(error)) => write!(f, "the session is over: {error}"),
            Self::SessionChanged => f.write_str("another user or organization is signed in now"),
            Self::AccessDenied(None) => f.write_str("the login was denied"),
            Self::AccessDenied(Some(error)) => write!(f, "the login was denied: {error}"),
            Self::LoginExpired => f.write_str("the login was not approved in time"),
            Self::Server(error) => write!(f, "the server refused: {error}"),
            Self::Unavailable { status: 429, .. } => {
                f.write_str("the server asks for fewer requests (HTTP 429)")
            }
            Self::Unavailable { status, .. } => {
                write!(f, "the server cannot answer at the moment (HTTP {status})")
            }
            Self::MalformedResponse { of, problem, status } => {
                write!(f, "the server's {of} cannot be used: {problem} (HTTP {status})")
            }
            Self::IssuerMismatch { expected, found } => {
                write!(f, "the server calls itself {found:?}, not {expected:?}")
            }
            Self::InvalidIdToken(problem) => write!(f, "the ID token cannot be used: {problem}"),
            Self::MissingEndpoint(name) => write!(f, "the provider names no {name} endpoint"),
            Self::InvalidUrl(error) => error.fmt(f),
            Self::InvalidProfileName(name) => {
                write!(f, "{name:?} cannot name a profile: use letters, digits, '-', '_' and '.'")
            }
            Self::Http(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Finished => f.write_str("this login has already ended"),
            Self::UnexpectedResponse => f.write_str("a response came that nobody asked for"),
        }
    }
}

/// The server's own words, made safe to show: one line of at most 200 printable characters each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// `error` (RFC 6749 §5.2) or WorkOS's `code`
    pub code: String,
    /// `error_description` or WorkOS's `message`
    pub description: Option<String>,
    /// The HTTP status
    pub status: u16,
}

impl ServerError {
    /// Reads both shapes: `{error, error_description}` and `{code, message}`.
    ///
    /// A server may quote what it refuses, so `sent` is taken out.
    pub(crate) fn from_body(body: &Value, status: u16, sent: Option<&Secret>) -> Option<Self> {
        let (code, description) = match body.string("error") {
            Some(code) => (code, body.string("error_description").or(body.string("message"))),
            None => (body.string("code")?, body.string("message")),
        };
        // What is shorter is no secret, and would be found in ordinary words.
        let safe = |text: &str| match sent.filter(|sent| sent.expose_secret().len() >= 8) {
            Some(sent) => printable(&text.replace(sent.expose_secret(), "[redacted]")),
            None => printable(text),
        };
        let code = safe(code);
        (!code.is_empty()).then(|| Self { code, description: description.map(safe), status })
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.description {
            Some(description) if !description.is_empty() => {
                write!(f, "{description} ({})", self.code)
            }
            _ => f.write_str(&self.code),
        }
    }
}

impl std::error::Error for ServerError {}

/// `text` of a server without what could act on a terminal or hide other text, cut at 200
/// characters.
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !is_unprintable(*c)).take(200).collect()
}

/// Control characters, and the Unicode ones that reorder or hide text.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
}
