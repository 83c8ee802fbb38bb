//! What everything that signing in depends on looks like, to be pasted into a report of a bug.
//!
//! Nothing is changed, no token is sent, and one thing that fails or hangs keeps nobody from seeing
//! the others.

mod check;
mod environment;
mod home;
mod network;
mod provider;
mod session;
mod store;

use std::process::ExitCode;
use std::time::Duration;

use astropass::{Domain, Endpoint, Home, Profile};

use self::check::{Check, Report, Unknown};
use crate::args::Global;
use crate::failure::Failure;
use crate::program::Program;
use crate::{astro, check_own, context};

/// How long one look may take, at a server or at a disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is looked at.
struct Subject {
    meant: Result<Meant, Unknown>,
    /// What `astro` signs in to
    domain: Option<Domain>,
    /// The API server
    server: Option<Endpoint>,
}

/// The profile that a command would use.
struct Meant {
    /// Read only
    home: Home,
    name: String,
    /// As it is stored, if it is
    stored: Option<Profile>,
}

impl Subject {
    fn profile(&self) -> Option<&Profile> {
        self.meant.as_ref().ok()?.stored.as_ref()
    }
}

/// `profile_of` says which profile is meant.
pub(crate) async fn run(
    global: &Global,
    profile_of: impl Fn(&Home) -> Result<String, Failure>,
) -> ExitCode {
    let mut report = Report::new(global.json);
    report.add(environment::program());
    report.add(environment::system());
    let subject = subject(global, profile_of, &mut report).await;

    let (keyring, session, certificates, provider, server) = tokio::join!(
        store::keyring(),
        session::read(&subject),
        network::certificates(&subject),
        provider::look(&subject),
        network::server(&subject),
    );
    report.extend(store::checks(&subject, &keyring));
    report.add(session::check(session, &keyring));
    report.extend(network::proxies());
    report.add(certificates);
    report.add(provider.check);
    report.add(server.check);
    report.add(network::clock([provider.clock_ahead, server.clock_ahead]));
    report.finish()
}

/// Looks at the home, and finds out what else to look at.
async fn subject(
    global: &Global,
    profile_of: impl Fn(&Home) -> Result<String, Failure>,
    report: &mut Report,
) -> Subject {
    let server = context::server_override(global).ok().flatten();
    let unknown = |report: &Report, why| Subject {
        meant: Err(report.because(why)),
        domain: None,
        server: server.clone(),
    };
    let home = match Home::from_env() {
        Ok(home) => home.read_only(),
        Err(error) => {
            report.extend(environment::variables(global, None));
            report.add(Check::failure("Home", error));
            return unknown(report, "there is no home directory");
        }
    };
    let looked = home.clone();
    let Some(checks) = on_thread(move || home::look(&looked)).await else {
        report.extend(environment::variables(global, None));
        report.add(Check::hung("Home", "the folder"));
        return unknown(report, "the folder does not answer");
    };
    let named = profile_of(&home).and_then(|name| check_own(&home, &name).map(|()| name));
    let (name, failure) = match named {
        Ok(name) => (Some(name), None),
        Err(failure) => (None, Some(failure)),
    };
    report.extend(environment::variables(global, failure));
    // Before the folder's failures, which are not what this is about.
    let nameless = unknown(
        report,
        match Program::running() {
            Program::Ast => "the profile's name cannot be used",
            Program::Astro => "the domain cannot be used",
        },
    );
    report.extend(checks);
    let (looked, of) = (home.clone(), name.clone());
    match on_thread(move || home::locks(&looked, of.as_deref())).await {
        Some(checks) => report.extend(checks),
        None => report.add(Check::hung("Lock", "the folder")),
    }
    let Some(name) = name else { return nameless };
    let domain = domain(&home, &name);
    let meant = match home.profile(&name) {
        Ok(stored) => Ok(Meant { home, name, stored }),
        Err(_) => Err(report.because("the file cannot be read")),
    };
    let mut subject = Subject { meant, domain, server };
    if subject.server.is_none() {
        let of_profile = subject.profile().and_then(|profile| profile.server.clone());
        let of_domain = || subject.domain.as_ref().and_then(|domain| domain.api().ok());
        let default = || context::default_server().ok().flatten();
        subject.server = of_profile.or_else(of_domain).or_else(default);
    }
    subject
}

fn domain(home: &Home, name: &str) -> Option<Domain> {
    match Program::running() {
        Program::Ast => None,
        Program::Astro => astro::domain(home, Some(name)).ok(),
    }
}

/// Runs what may block; `None` if it takes too long, and then nobody waits for it.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let done = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(work)).await;
    done.ok()?.ok()
}
