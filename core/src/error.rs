mod server;

use std::fmt;

pub use self::server::{ServerError, is_unprintable, printable};

use crate::wire::{ParseJson, concat, digits};
use crate::{HttpError, HttpErrorKind, InvalidUrl, Response, Secret, StoreError};

/// Why a sign-in, a token or a sign-out was not had.
///
/// The text says what happened; what to do next depends on the program, which can tell the cases
/// apart by the variant or by [`code`](Self::code). No variant holds a secret.
///
/// What is large is in a box: an error passes through many hands, and a page pays for each.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Nothing is stored.
    NotSignedIn,
    /// The server has ended the session, or it cannot be renewed: sign in again.
    SessionOver(Option<Box<ServerError>>),
    /// Another user, organization, client or issuer is signed in now.
    SessionChanged,
    /// The user, or the server's policy, refused the login.
    AccessDenied(Option<Box<ServerError>>),
    /// The login was not approved in time.
    LoginExpired,
    /// The server refused with an error of its own (RFC 6749 §5.2, or WorkOS's `code`).
    Server(Box<ServerError>),
    /// The server could not answer (429 or 5xx).
    Unavailable {
        /// The HTTP status; of this size, so that few words are copied with each error
        status: u32,
        /// How many seconds the server asks to wait; zero if it does not say.
        retry_after: u32,
    },
    /// The server's answer is not what the standard asks for.
    MalformedResponse(Box<MalformedResponse>),
    /// The server's metadata names another issuer (RFC 8414 §3.3).
    IssuerMismatch(Box<IssuerMismatch>),
    /// The ID token is not for this login (OpenID Connect Core §3.1.3.7).
    InvalidIdToken(&'static str),
    /// The URL that the browser came back to is not the answer to this login (RFC 6749 §4.1.2,
    /// RFC 9207).
    InvalidCallback(&'static str),
    /// The provider has no such endpoint, and none was given by hand.
    MissingEndpoint(&'static str),
    /// Nobody said which API server the token is for.
    MissingServer,
    /// A URL that no secret may go to.
    InvalidUrl(InvalidUrl),
    /// What cannot name a profile.
    InvalidProfileName(Box<str>),
    /// No response.
    Http(Box<HttpError>),
    /// The credential store failed.
    Store(Box<StoreError>),
    /// The machine has ended; start a new one.
    Finished,
    /// A response that no request asked for.
    UnexpectedResponse,
}

/// An answer that is not what the standard asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedResponse {
    /// Which answer, such as `token response`.
    pub of: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
    /// The HTTP status
    pub status: u16,
}

/// Metadata of another issuer than the one asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerMismatch {
    /// The issuer asked for.
    pub expected: String,
    /// The issuer named.
    pub found: String,
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
            Self::MalformedResponse(_) => "malformed_response",
            Self::IssuerMismatch(_) => "issuer_mismatch",
            Self::InvalidIdToken(_) => "invalid_id_token",
            Self::InvalidCallback(_) => "invalid_callback",
            Self::MissingEndpoint(_) | Self::MissingServer => "missing_endpoint",
            Self::InvalidUrl(_) => "invalid_url",
            Self::InvalidProfileName(_) => "invalid_profile_name",
            Self::Http(error) => match error.kind {
                HttpErrorKind::Timeout => "timeout",
                HttpErrorKind::Certificate => "certificate_refused",
                HttpErrorKind::PortTaken => "port_taken",
                _ => "network",
            },
            Self::Store(error) => error.code(),
            Self::Finished | Self::UnexpectedResponse => "misuse",
        }
    }

    /// What happened, for people: the text that it displays.
    pub fn message(&self) -> String {
        let text = match self {
            Self::NotSignedIn => "not signed in",
            Self::SessionOver(None) => "the session is over",
            Self::SessionOver(Some(error)) => {
                return concat(&["the session is over: ", &error.message()]);
            }
            Self::SessionChanged => "another user or organization is signed in now",
            Self::AccessDenied(None) => "the login was denied",
            Self::AccessDenied(Some(error)) => {
                return concat(&["the login was denied: ", &error.message()]);
            }
            Self::LoginExpired => "the login was not approved in time",
            Self::Server(error) => return concat(&["the server refused: ", &error.message()]),
            Self::Unavailable { status: 429, .. } => {
                "the server asks for fewer requests (HTTP 429)"
            }
            Self::Unavailable { status, .. } => {
                let status = digits((*status).into());
                return concat(&["the server cannot answer at the moment (HTTP ", &status, ")"]);
            }
            Self::MalformedResponse(error) => {
                let MalformedResponse { of, problem, status } = &**error;
                let status = digits((*status).into());
                return concat(&[
                    "the server's ",
                    of,
                    " cannot be used: ",
                    problem,
                    " (HTTP ",
                    &status,
                    ")",
                ]);
            }
            Self::IssuerMismatch(error) => {
                let (found, expected) = (quoted(&error.found), quoted(&error.expected));
                return concat(&["the server calls itself ", &found, ", not ", &expected]);
            }
            Self::InvalidIdToken(problem) => {
                return concat(&["the ID token cannot be used: ", problem]);
            }
            Self::InvalidCallback(problem) => {
                return concat(&["the browser's answer cannot be used: ", problem]);
            }
            Self::MissingEndpoint(name) => {
                return concat(&["the provider names no ", name, " endpoint"]);
            }
            Self::MissingServer => "no API server is set",
            Self::InvalidUrl(error) => return error.message(),
            Self::InvalidProfileName(name) => {
                let rule = " cannot name a profile: use at most 242 letters, digits, and after the first '-', '_' and '.', which is not the last";
                return concat(&[&quoted(name), rule]);
            }
            Self::Http(error) => return error.message(),
            Self::Store(error) => return error.message(),
            Self::Finished => "this login has already ended",
            Self::UnexpectedResponse => "a response came that nobody asked for",
        };
        text.to_owned()
    }

    /// Whether the session may go on: everything but its end, its absence and its change.
    pub(crate) fn is_passing(&self) -> bool {
        !matches!(self, Self::NotSignedIn | Self::SessionOver(_) | Self::SessionChanged)
    }

    /// The error of the answer `of`, which came with `status` and has this `problem`.
    pub fn malformed(of: &'static str, problem: &'static str, status: u16) -> Self {
        Self::MalformedResponse(Box::new(MalformedResponse { of, problem, status }))
    }

    /// The error of an answer that is not the success of `of`, to a request with the secrets `sent`.
    pub(crate) fn from_response(
        of: &'static str,
        response: &Response,
        parse: ParseJson,
        sent: &[&Secret],
    ) -> Self {
        let status = response.status;
        if let Some(error) = Self::unavailable(response) {
            return error;
        }
        let error =
            parse(&response.body).ok().and_then(|body| ServerError::from_body(&body, status, sent));
        match error {
            Some(error) => Self::Server(error),
            None => Self::malformed(of, "it names no error", status),
        }
    }

    /// The error of an answer that promises a better one later.
    pub(crate) fn unavailable(response: &Response) -> Option<Self> {
        let status = response.status;
        (status == 429 || status >= 500)
            .then(|| Self::Unavailable { status: status.into(), retry_after: response.retry_after })
    }
}

impl From<InvalidUrl> for Error {
    fn from(error: InvalidUrl) -> Self {
        Self::InvalidUrl(error)
    }
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        Self::Http(Box::new(error))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::SessionOver(error) | Self::AccessDenied(error) => {
                error.as_deref().map(|error| error as _)
            }
            Self::Server(error) => Some(&**error),
            Self::InvalidUrl(error) => Some(error),
            Self::Http(error) => Some(&**error),
            Self::Store(error) => Some(&**error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

/// `text`, from wherever, in quotation marks.
fn quoted(text: &str) -> String {
    concat(&["\"", &printable(text), "\""])
}
