use std::io::IsTerminal;
use std::process::ExitCode;

use astropass::{Error, HttpErrorKind, InvalidUrl, ServerError, StoreError};
use serde_json::json;

use crate::astro;
use crate::context::Context;
use crate::output::{self, RED};
use crate::program::Program;

pub(crate) const OTHER: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const NOT_SIGNED_IN: u8 = 4;
pub(crate) const LOGIN_ENDED: u8 = 5;
pub(crate) const NETWORK: u8 = 6;
pub(crate) const STORE: u8 = 7;
const HUNG_UP: u8 = 129;
const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;

/// Why a command failed: one sentence on what happened and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    pub(crate) code: &'static str,
    message: String,
    /// The end of the message that says what to do, where that is a sentence of its own.
    pub(crate) next: String,
}

impl Failure {
    pub(crate) fn new(exit: u8, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), next: String::new() }
    }

    fn of(exit: u8, code: &'static str, error: &impl ToString) -> Self {
        Self::new(exit, code, sentence(error))
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, "usage", message)
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(OTHER, "failed", message)
    }

    /// The same, with what to do next.
    pub(crate) fn advise(self, next: impl Into<String>) -> Self {
        let next = next.into();
        Self { message: format!("{} {next}", self.happened()), next, ..self }
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(INTERRUPTED, "interrupted", "Interrupted.")
    }

    /// Ctrl-D at the prompt for `what`, or too little that was piped in.
    pub(crate) fn unanswered(what: &str) -> Self {
        let (happened, next) = match std::io::stdin().is_terminal() {
            true => (format!("No {what} was given."), format!("Run {} again.", login())),
            false => (
                format!("Standard input has no {what}."),
                format!("Pipe it in, or run {} at a terminal, which asks for it.", login()),
            ),
        };
        Self::new(LOGIN_ENDED, "unanswered", happened).advise(next)
    }

    pub(crate) fn terminated() -> Self {
        Self::new(TERMINATED, "terminated", "Terminated.")
    }

    /// The terminal was closed.
    pub(crate) fn hung_up() -> Self {
        Self::new(HUNG_UP, "hung_up", "The terminal was closed.")
    }

    /// The error of a login, where a refusal has an exit code of its own.
    pub(crate) fn of_login(error: Error) -> Self {
        match &error {
            Error::Server(server) if server.code == "invalid_grant" => Self::new(
                LOGIN_ENDED,
                error.code(),
                format!("The server no longer knows this login ({error}). Run {} again.", login()),
            ),
            Error::Server(server) if !is_in_trouble(server) => {
                Self { exit: LOGIN_ENDED, ..error.into() }
            }
            _ => error.into(),
        }
    }

    /// The same with the name of a profile that is not the usual one.
    pub(crate) fn of_profile(mut self, profile: &str) -> Self {
        let program = Program::running();
        // A command about all profiles has none.
        if profile.is_empty() || program == Program::Ast && profile == program.default_profile() {
            return self;
        }
        let (kind, any, login) = (program.noun(), login(), login_to(profile));
        self.next = self.next.replace(&any, &login);
        self.message = match self.code {
            "not_signed_in" => {
                format!("not logged in to {kind} {profile:?}. Run {login} to authenticate")
            }
            "session_over" => format!(
                "session of {kind} {profile:?} expired or invalid. Run {login} to re-authenticate"
            ),
            _ => self.message.replace(&any, &login),
        };
        self
    }

    /// What happened and what to do next.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What happened, without what to do next where that can be told apart.
    pub(crate) fn happened(&self) -> &str {
        let happened = self.message.strip_suffix(&self.next).unwrap_or(&self.message);
        happened.trim_end_matches([' ', ';'])
    }

    /// Says it, as JSON or in words, and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if json {
            let Self { code, message, .. } = self;
            output::json(&json!({"event": "error", "code": code, "message": message}));
        } else if matches!(self.code, "not_signed_in" | "session_over") {
            output::note(&self.message);
        } else {
            output::note(&format!("{RED}Error:{RED:#} {}", self.message));
        }
        ExitCode::from(self.exit)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let login = login();
        let is_astro = Program::running() == Program::Astro;
        let (exit, next) = match &error {
            Error::NotSignedIn => {
                let failure = Self::new(NOT_SIGNED_IN, error.code(), "not logged in.");
                return failure.advise(format!("Run {login} to authenticate"));
            }
            Error::SessionOver(_) => {
                let message = "session expired or invalid.";
                let failure = Self::new(NOT_SIGNED_IN, error.code(), message);
                return failure.advise(format!("Run {login} to re-authenticate"));
            }
            Error::SessionChanged => {
                let program = Program::running().name();
                let next = format!(
                    "Run '{program} whoami' to see who is signed in, or {login} to sign in again."
                );
                return Self::of(NOT_SIGNED_IN, error.code(), &error).advise(next);
            }
            Error::AccessDenied(_) => {
                let next = format!("Run {login} again if that was not what you wanted.");
                return Self::of(LOGIN_ENDED, error.code(), &error).advise(next);
            }
            Error::LoginExpired => {
                let next = format!("Run {login} again.");
                return Self::of(LOGIN_ENDED, error.code(), &error).advise(next);
            }
            Error::InvalidCallback(_) => {
                let next = format!("Run {login} again, and go on only with its own link.");
                return Self::of(LOGIN_ENDED, error.code(), &error).advise(next);
            }
            Error::Server(server) if server.code == "http_401" => {
                let next = match Context::environment_token() {
                    Some(_) => {
                        format!("Correct or unset {}.", Program::running().token_variable())
                    }
                    None => format!("Run {login} to sign in again."),
                };
                return Self::of(NOT_SIGNED_IN, error.code(), &error).advise(next);
            }
            Error::InvalidUrl(_) if is_astro => (USAGE, "Check the domain and --organization."),
            // There is no option for what is wrong then.
            Error::Server(_) | Error::InvalidIdToken(_) | Error::MissingEndpoint(_) if is_astro => {
                (NETWORK, "Try again later, or ask who administers it.")
            }
            Error::Server(server) if is_in_trouble(server) => (NETWORK, "Try again later."),
            Error::Server(server) if server.code == "invalid_scope" => {
                (NETWORK, "Name each scope that the client may have with --scope.")
            }
            Error::Server(_) => (NETWORK, "Check --client-id and the provider's settings."),
            Error::Unavailable { .. } => (NETWORK, "Try again later."),
            Error::MalformedResponse(_) => {
                (NETWORK, "Check the URL of the server, or try again later.")
            }
            Error::IssuerMismatch { .. } => {
                (NETWORK, "Give --issuer exactly as the server has it.")
            }
            Error::InvalidIdToken(_) => (NETWORK, "Check --client-id and --issuer."),
            Error::MissingServer => {
                (USAGE, "Give --server URL; with 'ast login' it is remembered.")
            }
            Error::MissingEndpoint(_) => (USAGE, "Give it with --endpoint NAME=URL."),
            Error::InvalidUrl(_) => (USAGE, "Give an https:// URL."),
            Error::Http(_) if error.code() == "certificate_refused" => {
                (NETWORK, "Give your CA with --ca-file at login, or in SSL_CERT_FILE.")
            }
            // It is not the network's fault.
            Error::Http(http) if http.kind == HttpErrorKind::Invalid => {
                let next = "Correct that, or log in with other options.";
                return Self::of(USAGE, "usage", &error).advise(next);
            }
            Error::Http(error) if error.kind == HttpErrorKind::TooLarge => {
                (NETWORK, "Ask the server for less, or check the URL.")
            }
            Error::Http(_) => (NETWORK, "Check the network and the URL, then try again."),
            Error::Store(error) => return (**error).clone().into(),
            _ => (OTHER, "Please report this."),
        };
        Self::of(exit, error.code(), &error).advise(next)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let program = Program::running().name();
        let failure = Self::of(STORE, error.code(), &error);
        // Some texts say what to do themselves.
        if let StoreError::Denied(detail) | StoreError::Io(detail) = &error
            && let Some((_, next)) = detail.rsplit_once("; ")
        {
            return Self { next: format!("{next}."), ..failure };
        }
        let next = match &error {
            StoreError::Locked(_) => {
                format!("Unlock the keyring, or sign in with '{program} login --store file'.")
            }
            StoreError::Absent(_) | StoreError::Unavailable(_) => {
                format!("Start the keyring, or sign in with '{program} login --store file'.")
            }
            StoreError::Corrupt(_) => format!(
                "Run {} to sign in again; it keeps a file that cannot be read under another name.",
                login()
            ),
            StoreError::Missing(_) => {
                format!("Put that right, or run {} to sign in again.", login())
            }
            StoreError::Newer(_) => "Update this program.".to_owned(),
            StoreError::Busy | StoreError::Changed => "Try again.".to_owned(),
            StoreError::TooLarge(_) => format!("Sign in with '{program} login --store file'."),
            StoreError::Denied(_) => {
                format!("Allow it, or sign in with '{program} login --store file'.")
            }
            _ => "Put that right, then try again.".to_owned(),
        };
        failure.advise(next)
    }
}

impl From<InvalidUrl> for Failure {
    fn from(error: InvalidUrl) -> Self {
        Error::from(error).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::other(format!("The input cannot be read: {error}."))
    }
}

/// Whether it says that it cannot answer now, and not that it refuses (RFC 6749 §4.1.2.1).
fn is_in_trouble(server: &ServerError) -> bool {
    matches!(server.code.as_str(), "server_error" | "temporarily_unavailable")
}

/// The command to sign in to `profile` with, in quotation marks.
pub(crate) fn login_to(profile: &str) -> String {
    match Program::running() {
        Program::Ast if profile == Program::Ast.default_profile() => login(),
        Program::Ast => format!("'ast login --profile {profile}'"),
        Program::Astro => astro::login_to(profile),
    }
}

/// The command to sign in with, in quotation marks.
fn login() -> String {
    format!("'{} login'", Program::running().name())
}

/// `what` as a sentence.
fn sentence(what: &impl ToString) -> String {
    let what = what.to_string();
    let mut chars = what.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
