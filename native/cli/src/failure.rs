use std::process::ExitCode;

use astropass::{Error, HttpErrorKind, InvalidUrl, StoreError};
use serde_json::json;

use crate::output::{self, RED};

pub(crate) const OTHER: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const NOT_SIGNED_IN: u8 = 4;
pub(crate) const LOGIN_ENDED: u8 = 5;
pub(crate) const NETWORK: u8 = 6;
pub(crate) const STORE: u8 = 7;
const INTERRUPTED: u8 = 130;
#[cfg(unix)]
const TERMINATED: u8 = 143;

/// Why a command failed: what happened and what to do next, a sentence each.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Empty where the message says it, or there is nothing to do.
    pub(crate) next: &'static str,
}

impl Failure {
    pub(crate) fn new(exit: u8, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), next: "" }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, "usage", message)
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(OTHER, "failed", message)
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(INTERRUPTED, "interrupted", "Interrupted.")
    }

    #[cfg(unix)]
    pub(crate) fn terminated() -> Self {
        Self::new(TERMINATED, "terminated", "Terminated.")
    }

    /// The error of a login, where a refusal has an exit code of its own.
    pub(crate) fn of_login(error: Error) -> Self {
        match &error {
            Error::Server(server) if server.code == "invalid_grant" => Self::new(
                LOGIN_ENDED,
                error.code(),
                format!("The server no longer knows this login ({error}). Run 'ast login' again."),
            ),
            _ => error.into(),
        }
    }

    /// The same with the name of a profile that is not the usual one.
    pub(crate) fn of_profile(mut self, profile: &str) -> Self {
        if profile != "default" {
            let login = format!("'ast login --profile {profile}'");
            self.message = match self.code {
                "not_signed_in" => {
                    format!("not logged in to profile {profile:?}. Run {login} to authenticate")
                }
                "session_over" => format!(
                    "session of profile {profile:?} expired or invalid. Run {login} to re-authenticate"
                ),
                _ => return self,
            };
        }
        self
    }

    /// What happened and what to do next.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.message, self.next).trim_end().to_owned()
    }

    /// Says it, as JSON or in words, and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        let text = self.text();
        if json {
            output::json(&json!({"event": "error", "code": self.code, "message": text}));
        } else if matches!(self.code, "not_signed_in" | "session_over") {
            output::note(&text);
        } else {
            output::note(&format!("{RED}Error:{RED:#} {text}"));
        }
        ExitCode::from(self.exit)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, next) = match &error {
            Error::NotSignedIn => {
                let message = "not logged in. Run 'ast login' to authenticate";
                return Self::new(NOT_SIGNED_IN, error.code(), message);
            }
            Error::SessionOver(_) => {
                let message = "session expired or invalid. Run 'ast login' to re-authenticate";
                return Self::new(NOT_SIGNED_IN, error.code(), message);
            }
            Error::SessionChanged => (
                NOT_SIGNED_IN,
                "Run 'ast whoami' to see who is signed in, or 'ast login' to sign in again.",
            ),
            Error::AccessDenied(_) => {
                (LOGIN_ENDED, "Run 'ast login' again if that was not what you wanted.")
            }
            Error::LoginExpired => (LOGIN_ENDED, "Run 'ast login' again."),
            Error::Server(_) => (NETWORK, "Check --client-id and the provider's settings."),
            Error::Unavailable { .. } => (NETWORK, "Try again later."),
            Error::MalformedResponse(_) => {
                (NETWORK, "Check the URL of the server, or try again later.")
            }
            Error::IssuerMismatch { .. } => {
                (NETWORK, "Give --issuer exactly as the server has it.")
            }
            Error::InvalidIdToken(_) => (NETWORK, "Check --client-id and --issuer."),
            Error::MissingEndpoint("API server") => (USAGE, "Give --server URL."),
            Error::MissingEndpoint(_) => (USAGE, "Give it with --endpoint NAME=URL."),
            Error::InvalidUrl(_) => (USAGE, "Give an https:// URL."),
            Error::Http(_) if error.code() == "certificate_refused" => {
                (NETWORK, "Give your CA with --ca-file at login, or in SSL_CERT_FILE.")
            }
            Error::Http(error) if error.kind == HttpErrorKind::Invalid => {
                (OTHER, "Correct that, or run 'ast login' with other options.")
            }
            Error::Http(error) if error.kind == HttpErrorKind::TooLarge => {
                (NETWORK, "Ask the server for less, or check the URL.")
            }
            Error::Http(_) => (NETWORK, "Check the network and the URL, then try again."),
            Error::Store(error) => return (**error).clone().into(),
            _ => (OTHER, "Please report this."),
        };
        Self { next, ..Self::new(exit, error.code(), sentence(&error.to_string())) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let next = match &error {
            StoreError::Locked(_) => {
                "Unlock the keyring, or sign in with 'ast login --store file'."
            }
            StoreError::Absent(_) | StoreError::Unavailable(_) => {
                "Start the keyring, or sign in with 'ast login --store file'."
            }
            StoreError::Corrupt(_) => {
                "Run 'ast login' to sign in again; it keeps a file that cannot be read under another name."
            }
            StoreError::Missing(_) => "Put that right, or run 'ast login' to sign in again.",
            StoreError::Newer(_) => "Update this program.",
            StoreError::Busy | StoreError::Changed => "Try again.",
            StoreError::TooLarge(_) => "Sign in with 'ast login --store file'.",
            // The text says what to do itself.
            _ => "",
        };
        Self { next, ..Self::new(STORE, error.code(), sentence(&error.to_string())) }
    }
}

impl From<InvalidUrl> for Failure {
    fn from(error: InvalidUrl) -> Self {
        Error::from(error).into()
    }
}

/// `what` as a sentence.
fn sentence(what: &str) -> String {
    let mut chars = what.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
