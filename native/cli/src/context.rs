use std::cell::RefCell;
use std::env::VarError;
use std::io::IsTerminal;
use std::time::Duration;

use astropass::{
    Builder, Endpoint, Error, Event, Home, Notice, Profile, Secret, Session, StoreChoice,
    StoreError,
};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use zeroize::Zeroizing;

use crate::args::Global;
use crate::astro::at_domain;
use crate::failure::Failure;
use crate::output;
use crate::program::Program;

/// Every variable that is read as text.
pub(crate) const VARIABLES: [&str; 8] = [
    "ASTRO_ACCESS_TOKEN",
    "ASTRO_API_TOKEN",
    "ASTRO_CLIENT_ID",
    "ASTRO_DOMAIN",
    "ASTRO_ISSUER",
    "ASTRO_PROFILE",
    "ASTRO_SERVER",
    "ASTRO_STORE",
];
/// How long somebody who pressed Ctrl-C may be left without a word.
const NOTICEABLE: Duration = Duration::from_millis(200);

/// What all commands share: the stored profiles, and which one is meant.
pub(crate) struct Context<'a> {
    pub(crate) global: &'a Global,
    pub(crate) home: Home,
    pub(crate) profile: String,
    /// To be settled if the program is interrupted, and what happened to each.
    sessions: RefCell<Vec<(Session, Receiver<Event>)>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(global: &'a Global, home: Home, profile: String) -> Self {
        Self { global, home, profile, sessions: RefCell::default() }
    }

    /// The access token that the environment gives, to be used as it is.
    pub(crate) fn environment_token() -> Option<Secret> {
        let token = Zeroizing::new(env(Program::running().token_variable())?);
        // A secret read from a file often ends with the file's last line.
        Some(Secret::new(Zeroizing::new(token.trim().to_owned())))
    }

    /// Whether somebody at a terminal can answer.
    pub(crate) fn attended() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// The session of this profile, for requests to the API server.
    pub(crate) fn api_session(&self) -> Result<Session, Failure> {
        if let Some(server) = self.server_override()?
            && let Some(own) = self.home.profile(&self.profile)?.and_then(|profile| profile.server)
            && own.check_same_origin(&server).is_err()
        {
            output::warn(&format!(
                "The access token goes to {}, not to the profile's server {}.",
                server.origin(),
                own.origin()
            ));
        }
        self.session()
    }

    /// The session of this profile, or the one that the environment gives.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        // Only a login heeds them, but somebody who looks should hear of a mistake before that.
        store_of_environment()?;
        issuer_of_environment()?;
        let mut builder = self.builder(&self.profile);
        if let Some(token) = Self::environment_token() {
            builder = builder.access_token(token);
            if Program::running() == Program::Astro {
                builder = at_domain(builder, &self.home)?;
            }
        }
        if let Some(server) = self.server_override()? {
            builder = builder.server(server);
        } else if let Some(server) = default_server()?
            && self.home.profile(&self.profile)?.is_none_or(|profile| profile.server.is_none())
        {
            builder = builder.server(server);
        }
        self.build(builder)
    }

    pub(crate) fn builder(&self, profile: &str) -> Builder {
        Session::builder().home(self.home.clone()).profile(profile).attended(Self::attended())
    }

    pub(crate) fn build(&self, builder: Builder) -> Result<Session, Failure> {
        let session = builder.build()?;
        self.watch(&session);
        Ok(session)
    }

    /// Lets `session` finish what must not be cut off, and listens to what happens to it.
    pub(crate) fn watch(&self, session: &Session) {
        self.sessions.borrow_mut().push((session.clone(), session.events()));
    }

    pub(crate) fn server_override(&self) -> Result<Option<Endpoint>, Failure> {
        server_override(self.global)
    }

    /// The profile as it is stored; not signed in if it is not.
    pub(crate) fn signed_in(&self) -> Result<Profile, Failure> {
        let profile = self.home.profile(&self.profile)?;
        profile
            .filter(|profile| profile.identity.is_some())
            .ok_or_else(|| Error::NotSignedIn.into())
    }

    /// Makes this profile the current one.
    pub(crate) fn make_current(&self, name: Option<&str>) -> Result<(), Failure> {
        Ok(self.home.set_current(Program::running().name(), name)?)
    }

    /// The name of the profile that is used without option and environment.
    pub(crate) fn current(&self) -> Result<Option<String>, Failure> {
        Ok(self.home.current(Program::running().name())?)
    }

    /// Waits for what must not be cut off, and says so where that takes its time.
    pub(crate) async fn settle(&self, wait: Duration) {
        let sessions: Vec<_> =
            self.sessions.borrow().iter().map(|(session, _)| session.clone()).collect();
        let settled = async {
            for session in sessions {
                session.settle(wait).await;
            }
        };
        tokio::pin!(settled);
        if tokio::time::timeout(NOTICEABLE, &mut settled).await.is_err() {
            output::note(
                "Finishing what was already sent, so that the session is not lost; Ctrl-C again stops at once.",
            );
            settled.await;
        }
    }

    /// Why the tokens that a refresh gave exist in this process only, if they do.
    pub(crate) fn unsaved(&self) -> Option<StoreError> {
        let mut unsaved = None;
        for (_, events) in self.sessions.borrow_mut().iter_mut() {
            loop {
                match events.try_recv() {
                    Ok(Event::NotSaved(error)) => unsaved = Some(error),
                    Ok(Event::Refreshed { .. } | Event::SignedIn | Event::SignedOut) => {
                        unsaved = None;
                    }
                    Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
        }
        unsaved
    }

    /// Says what the stores did on their own.
    pub(crate) fn report_notices(&self, succeeded: bool) {
        // They were said as they came.
        if self.global.verbose {
            return;
        }
        for notice in self.home.take_notices() {
            // A login that failed has put its tokens nowhere.
            if !succeeded && matches!(notice, Notice::FellBack { .. }) {
                continue;
            }
            output::warn(&notice.to_string());
        }
    }
}

/// The server of the option or the environment.
pub(crate) fn server_override(global: &Global) -> Result<Option<Endpoint>, Failure> {
    // A domain says by itself where its API is.
    if Program::running() == Program::Astro {
        return Ok(None);
    }
    match (&global.server, env("ASTRO_SERVER")) {
        (Some(url), _) => url_of("--server", url).map(Some),
        (None, Some(url)) => url_of("ASTRO_SERVER", &url).map(Some),
        (None, None) => Ok(None),
    }
}

/// The store that the environment names.
pub(crate) fn store_of_environment() -> Result<Option<StoreChoice>, Failure> {
    let wrong =
        |error| Failure::usage(format!("In ASTRO_STORE, {error}.")).advise("Correct or unset it.");
    env("ASTRO_STORE").map(|store| store.parse().map_err(wrong)).transpose()
}

/// The provider that the environment names; as it is written, since issuers compare so.
pub(crate) fn issuer_of_environment() -> Result<Option<String>, Failure> {
    // A domain says by itself who its provider is.
    let issuer = env("ASTRO_ISSUER").filter(|_| Program::running() == Program::Ast);
    issuer.map(|issuer| url_of("ASTRO_ISSUER", &issuer).map(|_| issuer)).transpose()
}

/// A distribution's own API server, set when the program is built.
pub(crate) fn default_server() -> Result<Option<Endpoint>, Failure> {
    if Program::running() == Program::Astro {
        return Ok(None);
    }
    match option_env!("ASTRO_SERVER") {
        Some(url) => url_of("ASTRO_SERVER", url).map(Some),
        None => Ok(None),
    }
}

/// A variable that cannot be used must not pass for one that is not set: the stored user would
/// act in place of the one that was meant.
pub(crate) fn check_environment() -> Result<(), Failure> {
    for name in VARIABLES {
        if let Err(VarError::NotUnicode(_)) = std::env::var(name) {
            let failure = Failure::usage(format!("{name} is not valid UTF-8."));
            return Err(failure.advise("Correct or unset it."));
        }
    }
    let variable = Program::running().token_variable();
    let token = env(variable).map(Zeroizing::new);
    if token.is_some_and(|token| Secret::token(token.trim().to_owned().into()).is_none()) {
        let failure = Failure::usage(format!(
            "{variable} is no token: it is blank, or has a character that cannot be sent."
        ));
        return Err(failure.advise("Correct or unset it."));
    }
    Ok(())
}

/// A variable that is set and not empty.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(crate) fn url_of(option: &str, url: &str) -> Result<Endpoint, Failure> {
    Endpoint::parse(url).map_err(|error| {
        Failure::usage(format!("In {option}, {error}.")).advise("Give an https:// URL.")
    })
}
