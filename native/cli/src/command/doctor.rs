//! What everything that signing in depends on looks like, to be pasted into a report of a bug.
//!
//! Nothing is changed, no token is sent, and one thing that fails or hangs keeps nobody from seeing
//! the others.

mod check;
mod environment;
mod home;
mod network;
mod session;
mod store;

use std::process::ExitCode;
use std::time::Duration;

use astropass::{Endpoint, Home, Profile};

use self::check::{Check, Report};
use crate::args::Global;
use crate::context;

/// How long one look may take, at a server or at a disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is looked at.
struct Subject {
    /// Read only
    home: Option<Home>,
    name: String,
    /// As it is stored, if it is and can be read
    profile: Option<Profile>,
    /// Whether the profile is not known because the file cannot be read
    is_unreadable: bool,
    /// The API server
    server: Option<Endpoint>,
}

pub(super) async fn run(global: &Global) -> ExitCode {
    let mut report = Report::new(global.json);
    report.add(environment::program());
    report.add(environment::system());
    report.extend(environment::variables(global));
    let subject = subject(global, &mut report).await;

    let (keyring, session, certificates, provider, server) = tokio::join!(
        store::keyring(),
        session::read(&subject),
        network::certificates(&subject),
        network::provider(&subject),
        network::server(&subject),
    );
    report.extend(store::checks(&subject, &keyring));
    report.add(session::check(&subject, session, &keyring));
    report.extend(network::proxies());
    report.add(certificates);
    report.add(provider.check);
    report.add(server.check);
    report.add(network::clock([provider.clock_ahead, server.clock_ahead]));
    report.finish()
}

/// Looks at the home, and finds out what else to look at.
async fn subject(global: &Global, report: &mut Report) -> Subject {
    let named = context::named_profile(global).ok().flatten();
    let mut subject = Subject {
        home: None,
        name: named.clone().unwrap_or_else(|| "default".to_owned()),
        profile: None,
        is_unreadable: false,
        server: None,
    };
    match Home::from_env() {
        Ok(home) => {
            let home = home.read_only();
            let looked = home.clone();
            let look = on_thread(move || home::look(&looked, named)).await;
            let Some(look) = look else {
                report.add(Check::hung("Home", "the folder"));
                subject.is_unreadable = true;
                return subject;
            };
            report.extend(look.checks);
            subject = Subject { home: Some(home), ..subject };
            subject.name = look.name;
            subject.is_unreadable = look.profile.is_err();
            subject.profile = look.profile.ok().flatten();
        }
        Err(error) => report.add(Check::failure("Home", error)),
    }
    let of_profile = subject.profile.as_ref().and_then(|profile| profile.server.clone());
    subject.server = context::server_override(global)
        .ok()
        .flatten()
        .or(of_profile)
        .or_else(|| context::default_server().ok().flatten());
    subject
}

/// Runs what may block; `None` if it takes too long, and then nobody waits for it.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let done = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(work)).await;
    done.ok()?.ok()
}
