//! A running server, held by the tests.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::device::Undecidable;
use super::fault::Fault;
use super::journal::{Event, Stats};
use super::listener::{Shared, lock, now, serve};
use super::options::{Approval, Options};
use super::state::State;

/// A server on a loopback port, in a thread of its own. Dropping it stops it.
pub struct Server {
    url: String,
    issuer: String,
    address: SocketAddr,
    shared: Shared,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds and serves. Needs no runtime, and returns when connections are accepted.
    ///
    /// Fails if the address is not a loopback one, is taken, or the certificate cannot be used.
    pub fn start(options: Options) -> io::Result<Self> {
        crate::logs::keep();
        if !options.listen.ip().is_loopback() {
            return Err(io::Error::other("this server listens on loopback addresses only"));
        }
        let tls = options.tls.as_ref().map(super::Tls::acceptor).transpose()?;
        let listener = std::net::TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = match &options.host {
            Some(host) => format!("{scheme}://{host}:{}", address.port()),
            None => format!("{scheme}://{address}"),
        };
        let state = State::new(options, &url).map_err(io::Error::other)?;
        let issuer = state.issuer();
        let shared = Arc::new(Mutex::new(state));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let thread =
            std::thread::Builder::new().name("authorization server".to_owned()).spawn({
                let shared = shared.clone();
                move || runtime.block_on(serve(listener, tls, shared, stopped))
            })?;
        Ok(Self { url, issuer, address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end: WorkOS's base and the API server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The issuer: the URL and the issuer path.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's time since the Unix epoch: the real one, unless it was stopped, and what it was
    /// advanced by.
    pub fn now(&self) -> Duration {
        now(&self.state())
    }

    /// Stops the server's clock, which from now on only moves when it is
    /// [advanced](Self::advance).
    pub fn stop_clock(&self) {
        let mut state = self.state();
        state.stopped = Some(now(&state) - state.advanced);
    }

    /// Moves the server's clock forward.
    pub fn advance(&self, time: Duration) {
        self.state().advanced += time;
    }

    /// Approves a user code, as if the person had used the page.
    pub fn approve(&self, user_code: &str, approval: &Approval) -> Result<(), Undecidable> {
        let mut state = self.state();
        let now = now(&state);
        state.approve(user_code, approval, now)
    }

    /// Denies a user code.
    pub fn deny(&self, user_code: &str) -> Result<(), Undecidable> {
        let mut state = self.state();
        let now = now(&state);
        state.deny(user_code, now)
    }

    /// Ends every session, as an administrator would.
    pub fn revoke_sessions(&self) {
        self.state().revoke_sessions();
    }

    /// Makes every access token worthless, and leaves the refresh tokens alone.
    pub fn revoke_access_tokens(&self) {
        self.state().revoke_access_tokens();
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Changes settings while it runs; where it listens cannot change any more.
    pub fn configure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.state().options);
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.state().journal.stats.clone()
    }

    /// Every request so far, in order.
    pub fn events(&self) -> Vec<Event> {
        self.state().journal.events.clone()
    }

    /// Every secret issued so far: both kinds of codes, access, refresh and ID tokens. For looking for
    /// them where they must not be.
    pub fn issued(&self) -> Vec<String> {
        self.state().journal.issued.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

impl State {
    pub(super) fn revoke_sessions(&mut self) {
        self.sessions.values_mut().for_each(|session| session.revoked = true);
    }

    pub(super) fn revoke_access_tokens(&mut self) {
        self.access_tokens.clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread cannot have panicked with anything that matters to the one who drops it.
            let _ = thread.join();
        }
    }
}
