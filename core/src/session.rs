mod login;
mod refresh;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::state::{Current, State};
use crate::flow::{Action, Discover, Flow, Input, Prompt, Revoke};
use crate::{
    AccessToken, Cleared, Credentials, Endpoints, Error, Event, Freshness, Http, Identity,
    Provider, Request, Revision, Runtime, Secret, Store, StoreError,
};

/// How long to wait for another process's refresh: an HTTP deadline and five seconds (rule 2).
///
/// That is longer than a refresh takes whose reply is lost once, 30 seconds, where the store is in
/// order. One that is not adds to that: natively a keyring that hangs at each call, where nobody
/// answers a prompt, 11 seconds before the request, 25 for three attempts to save and 8 for sweeping.
/// Nobody is to wait for so long; the waiter gets [`StoreError::Busy`], and asks again.
pub const LOCK_WAIT: Duration = Duration::from_secs(Request::TIMEOUT.as_secs() + 5);
/// Pauses between attempts to save what exists nowhere else.
const RETRY_SAVE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// One profile's session at one provider: signed in or not, and kept so.
///
/// Core spawns nothing: [`refresh`](Self::refresh) is a future over an `Arc`, for the platform to
/// spawn, so that a caller who goes away does not take a rotated token with him.
pub struct Session<H, S, R> {
    provider: Arc<Provider>,
    http: H,
    store: S,
    runtime: R,
    state: Arc<Mutex<State>>,
}

/// How a logout went.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedOut {
    /// Whether the server confirmed it; `None` where it has no way to, or nothing could be sent.
    pub revoked: Option<Result<(), Error>>,
    /// Whether everything is deleted here.
    pub cleared: Cleared,
}

/// The only driver loop: step; send, sleep or show; repeat.
async fn drive<F: Flow>(
    mut flow: F,
    http: &impl Http,
    runtime: &impl Runtime,
    mut show: impl FnMut(Prompt),
) -> Result<F::Output, Error> {
    let mut input = Input::Tick;
    loop {
        input = match flow.step(input, runtime.now())? {
            Action::Send(request) => Input::Response(http.send(*request).await.map(Box::new)),
            Action::WaitUntil(until) => {
                runtime.sleep_until(until).await;
                Input::Tick
            }
            Action::Show(prompt) => {
                show(*prompt);
                Input::Tick
            }
            // This loop awaits each response before the next step.
            Action::AwaitResponse => return Err(Error::UnexpectedResponse),
            Action::Done(output) => return Ok(output),
        };
    }
}

/// Nothing to show: only the device flow prompts.
fn silent(_: Prompt) {}

/// Drives `flow`, one that has nothing to show, to its end: [`astro`](crate::flow::astro) and
/// [`houston`](crate::flow::houston) have such.
///
/// # Errors
/// As the flow says, and [`Error::Http`].
pub async fn run<F: Flow>(
    flow: F,
    http: &impl Http,
    runtime: &impl Runtime,
) -> Result<F::Output, Error> {
    drive(flow, http, runtime, silent).await
}

/// Finds the endpoints of `issuer`; see [`Discover`].
///
/// # Errors
/// [`Error::IssuerMismatch`], [`Error::MalformedResponse`], [`Error::Http`] and what else a server
/// can do wrong.
pub async fn discover(
    http: &impl Http,
    runtime: &impl Runtime,
    issuer: &str,
) -> Result<Endpoints, Error> {
    run(Discover::new(issuer, runtime.json()), http, runtime).await
}

impl<H: Http, S: Store, R: Runtime> Session<H, S, R> {
    /// A session of `provider` kept in `store`. Nothing is read yet.
    pub fn new(provider: impl Into<Arc<Provider>>, http: H, store: S, runtime: R) -> Self {
        Self { provider: provider.into(), http, store, runtime, state: Arc::default() }
    }

    /// Goes on from `earlier`, a session of the same profile, whose provider may have said something
    /// else of itself: whose session it is, and tokens that could not be stored, are known to both
    /// until a login of either is stored.
    pub fn go_on_from(&mut self, earlier: &Self) {
        self.state = Arc::clone(&earlier.state);
    }

    /// The provider.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// How requests are sent.
    pub fn http(&self) -> &H {
        &self.http
    }

    /// The platform's clock and ear.
    pub fn runtime(&self) -> &R {
        &self.runtime
    }

    /// Saves, and tries again twice if that fails.
    async fn save(
        &self,
        guard: &S::Guard,
        expected: Option<&Revision>,
        credentials: &Credentials,
    ) -> Result<Revision, StoreError> {
        let mut saved = self.store.save(guard, expected, credentials).await;
        for pause in RETRY_SAVE {
            match saved {
                Ok(_) | Err(StoreError::Changed) => break,
                Err(_) => self.runtime.sleep_until(self.runtime.now() + pause).await,
            }
            saved = self.store.save(guard, expected, credentials).await;
        }
        saved
    }

    /// The access token if it is fresh and the store was asked within the last second: no I/O.
    pub fn cached(&self) -> Option<AccessToken> {
        let (now, wall) = (self.runtime.now(), self.runtime.wall());
        let state = self.state();
        let current = state.current.as_ref().filter(|_| Some(now) < state.trusted_until)?;
        // In that second the machine may have slept for a night.
        let is_fresh = current.freshness(now, wall) == Freshness::Fresh;
        (is_fresh && state.over().is_none()).then(|| current.token.clone())
    }

    /// The access token if it is fresh, asking the store whether it changed; `None` asks for a
    /// [`refresh`](Self::refresh).
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::SessionChanged`] and a known [`Error::SessionOver`];
    /// [`Error::Store`] only where there is no valid token in memory.
    pub async fn fresh(&self) -> Result<Option<AccessToken>, Error> {
        if let Some(token) = self.cached() {
            return Ok(Some(token));
        }
        let looked = self.look().await;
        let (now, wall) = (self.runtime.now(), self.runtime.wall());
        if let Err(error) = looked {
            let usable = self.usable(None).filter(|_| error.is_passing()).ok_or(error)?;
            self.state().trust(now);
            return Ok(Some(usable));
        }
        let mut state = self.state();
        if let Some(error) = state.over() {
            return Err(error.clone());
        }
        let failed = state.failed.as_ref().is_some_and(|(_, until)| now < *until);
        let current = state.current.clone().ok_or(Error::NotSignedIn)?;
        match current.freshness(now, wall) {
            Freshness::Fresh if current.unsaved && !failed => Ok(None),
            Freshness::Fresh => {
                state.trust(now);
                Ok(Some(current.token.clone()))
            }
            // Rule 4: until it expires, the current token is served.
            Freshness::Stale if failed || !current.can_refresh() => Ok(Some(current.token.clone())),
            Freshness::Stale | Freshness::Expired => Ok(None),
        }
    }

    /// The credentials of this session as they are stored or in memory, fresh or not.
    ///
    /// # Errors
    /// As [`fresh`](Self::fresh).
    pub async fn credentials(&self) -> Result<Arc<Credentials>, Error> {
        self.look().await?;
        let state = self.state();
        state.current.as_ref().map(|c| c.credentials.clone()).ok_or(Error::NotSignedIn)
    }

    /// The revision that was read last, and whether the session that is there is over: the server has
    /// ended it, or its token has expired and nothing renews it.
    pub fn standing(&self) -> Option<(Revision, bool)> {
        let (now, wall) = (self.runtime.now(), self.runtime.wall());
        let state = self.state();
        let current = state.current.as_ref()?;
        let is_spent = !current.can_refresh() && current.freshness(now, wall) == Freshness::Expired;
        Some((current.revision.clone(), is_spent || state.over().is_some()))
    }

    /// Ends the session: at the server where that can be done, and here in any case (rule 10).
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::SessionChanged`] if the session there is not this one, or
    /// what keeps the store from being changed.
    pub async fn logout(&self) -> Result<SignedOut, Error> {
        let guard = self.store.lock(LOCK_WAIT).await?;
        let Some(revision) = self.store.revision().await? else { return Err(Error::NotSignedIn) };
        // A locked keyring keeps the tokens from being revoked, not from being forgotten. Nor does it
        // say whose they are: to insist on that (rule 5) would refuse each logout after a sibling's
        // refresh, and rule 10 comes first.
        let revoked = match self.newest().await {
            Ok(Some(credentials)) => {
                if !self.state().is_same(&credentials, &revision) {
                    return Err(Error::SessionChanged);
                }
                self.revoke(&credentials).await
            }
            Ok(None) => None,
            Err(error) => Some(Err(error.into())),
        };
        let cleared = self.store.clear(&guard, &revision).await?;
        *self.state() = State::default();
        self.runtime.emit(Event::SignedOut);
        Ok(SignedOut { revoked, cleared })
    }

    /// What is stored, or the tokens after it that could not be.
    async fn newest(&self) -> Result<Option<Arc<Credentials>>, StoreError> {
        let Some((revision, stored)) = self.store.load().await? else { return Ok(None) };
        let state = self.state();
        let unsaved = state.current.as_ref().filter(|c| c.unsaved && c.revision == revision);
        Ok(Some(unsaved.map_or_else(|| stored, |c| Arc::clone(&c.credentials))))
    }

    async fn revoke(&self, credentials: &Credentials) -> Option<Result<(), Error>> {
        // Another provider's tokens do not go to this one (rule 8).
        if !self.is_at_provider(&credentials.identity) {
            return None;
        }
        match Revoke::new(&self.provider, credentials, self.runtime.json()).transpose()? {
            Ok(flow) => Some(drive(flow, &self.http, &self.runtime, silent).await),
            Err(error) => Some(Err(error)),
        }
    }

    /// Asks the store whether the session changed, and reads it again if it did (rules 1 and 5).
    async fn look(&self) -> Result<(), Error> {
        let known = self.state().current.clone();
        let stored = self.store.revision().await?;
        let Some(stored) = stored else { return self.gone(known.as_ref()) };
        let before = self.state().current.clone();
        if before.as_ref().is_some_and(|current| current.revision == stored) {
            return Ok(());
        }
        let Some((revision, credentials)) = self.store.load().await? else {
            return self.gone(before.as_ref());
        };
        let mut state = self.state();
        // Others read, switched or refreshed meanwhile, saved or not: theirs is not older.
        if let Some(current) = &state.current
            && before.is_none_or(|before| !Arc::ptr_eq(&before, current))
        {
            return Ok(());
        }
        let is_first = state.identity.is_none();
        if !state.is_same(&credentials, &revision)
            || is_first && !self.is_at_provider(&credentials.identity)
        {
            state.current = None;
            return Err(Error::SessionChanged);
        }
        state.belong_to(&credentials, &revision);
        state.failed = None;
        state.begin(Current::new(credentials, revision, None), self.runtime.now());
        Ok(())
    }

    /// Forgets the session `known` before the store was asked, and had none.
    fn gone(&self, known: Option<&Arc<Current>>) -> Result<(), Error> {
        let mut state = self.state();
        // Who signed in meanwhile is not gone.
        if state.current.as_ref().map(Arc::as_ptr) != known.map(Arc::as_ptr) {
            return Ok(());
        }
        state.current = None;
        Err(Error::NotSignedIn)
    }

    fn is_at_provider(&self, identity: &Identity) -> bool {
        identity.issuer == self.provider.issuer && identity.client_id == self.provider.client_id
    }

    /// The token in memory if it has not expired and is not `rejected`.
    fn usable(&self, rejected: Option<&Secret>) -> Option<AccessToken> {
        let (now, wall) = (self.runtime.now(), self.runtime.wall());
        let state = self.state();
        let current = state.current.as_ref()?;
        let usable = state.over().is_none()
            && current.freshness(now, wall) != Freshness::Expired
            && rejected != Some(current.token.secret());
        usable.then(|| current.token.clone())
    }

    /// A panic elsewhere leaves no half-written state behind: each change is one assignment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
