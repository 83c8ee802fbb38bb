mod api;
mod browser;
mod systems;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use astropass_core::flow::Prompt;
use astropass_core::{
    AccessToken, Credentials, Endpoint, Error, Event, Provider, Secret, SignedOut, StoreError,
};
use tokio::sync::{broadcast, watch};

pub use self::browser::{BrowserLogin, BrowserPrompt};
pub use self::systems::Workspaces;
use crate::builder::Builder;
use crate::http::AnyHttp;
use crate::loopback::RedirectUri;
use crate::profile::Home;
use crate::runtime::SystemRuntime;
use crate::store::{self, ProfileStore, StoreKind};

pub(crate) type Core = astropass_core::Session<AnyHttp, ProfileStore, SystemRuntime>;
type Refreshed = Option<Result<AccessToken, Error>>;

/// A user's session: signed in or not, and kept so.
///
/// Clones share one session. Calls need a tokio runtime with timers and I/O, which must live until
/// [`settle`](Self::settle) has returned: a refresh that was sent goes on as a task of it.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    server: Option<Endpoint>,
    redirect_uri: Option<RedirectUri>,
    /// Given from outside: used as it is and never stored.
    access_token: Option<AccessToken>,
    refreshing: Mutex<Option<watch::Receiver<Refreshed>>>,
    /// How many pieces of work must not be cut off.
    pending: watch::Sender<usize>,
}

/// Work that must not be cut off, until it is dropped.
struct Work(Arc<Inner>);

impl Work {
    fn begin(inner: &Arc<Inner>) -> Self {
        inner.pending.send_modify(|count| *count += 1);
        Self(Arc::clone(inner))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.pending.send_modify(|count| *count -= 1);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session at {}", self.provider().issuer)
    }
}

impl Session {
    /// The session of the profile `name`, as `ast login` left it.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] if no login was ever made there; [`Error::Store`].
    pub fn open(name: &str) -> Result<Self, Error> {
        Self::builder().profile(name).build()
    }

    /// The session that `ast` would use: of the profile that `ASTRO_PROFILE` names, or that was
    /// chosen with `ast profile use`, or `default`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_current() -> Result<Self, Error> {
        let home = Home::from_env()?;
        let named = std::env::var("ASTRO_PROFILE").ok().filter(|name| !name.is_empty());
        let chosen = match named {
            Some(name) => Some(name),
            None => home.current("ast")?,
        };
        let name = chosen.as_deref().unwrap_or("default");
        Self::builder().home(home).profile(name).build()
    }

    /// A session with a profile, provider, server or store of the caller's choice.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(
        core: Core,
        server: Option<Endpoint>,
        redirect_uri: Option<RedirectUri>,
        access_token: Option<Secret>,
    ) -> Self {
        Self(Arc::new(Inner {
            core: Arc::new(core),
            server,
            redirect_uri,
            access_token: access_token.map(|secret| AccessToken::new(secret, None)),
            refreshing: Mutex::default(),
            pending: watch::Sender::default(),
        }))
    }

    /// Whether the token is from outside.
    fn is_given(&self) -> bool {
        self.0.access_token.is_some()
    }

    /// A valid access token: the one in memory, or one that was refreshed for all callers and
    /// processes at once.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::SessionOver`] and [`Error::SessionChanged`] ask for a
    /// login. Anything else is passing, and is given only when there is no valid token left.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        if let Some(token) = &self.0.access_token {
            return Ok(token.clone());
        }
        match self.0.core.fresh().await? {
            Some(token) => Ok(token),
            None => self.refresh(None).await,
        }
    }

    /// The token after a server answered 401 to `rejected`.
    async fn refresh(&self, rejected: Option<&Secret>) -> Result<AccessToken, Error> {
        loop {
            let (mut refreshed, joined) = self.refreshing(rejected);
            let token = match refreshed.wait_for(Option::is_some).await {
                Ok(result) => result.clone().unwrap_or(Err(Error::Finished))?,
                // The runtime is shutting down.
                Err(_) => return Err(Error::Finished),
            };
            // One that was begun for other reasons may have found the rejected one fresh.
            if !joined || rejected != Some(token.secret()) {
                return Ok(token);
            }
        }
    }

    /// The refresh under way, which is joined, or a new one.
    fn refreshing(&self, rejected: Option<&Secret>) -> (watch::Receiver<Refreshed>, bool) {
        let mut slot = self.0.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended is not there; one that was cut off with its runtime is.
        if let Some(running) = slot.as_ref()
            && running.has_changed().is_ok()
        {
            return (running.clone(), true);
        }
        let (sender, receiver) = watch::channel(None);
        let refresh = Arc::clone(&self.0.core).refresh(rejected.cloned());
        let inner = Arc::clone(&self.0);
        self.spawn(async move {
            let refreshed = refresh.await;
            // What comes later has the core to ask, which forgets a token at the logout.
            *inner.refreshing.lock().unwrap_or_else(PoisonError::into_inner) = None;
            // Callers may all have gone; the token is stored all the same.
            let _ = sender.send(Some(refreshed));
        });
        *slot = Some(receiver.clone());
        (receiver, false)
    }

    /// Runs `work` to its end, whoever stops waiting for it.
    fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        let uncut = Work::begin(&self.0);
        tokio::spawn(async move {
            let _uncut = uncut;
            work.await
        })
    }

    /// Signs in with the device flow (RFC 8628), showing codes by `show`, and stores the session.
    ///
    /// Dropped before it has the tokens, it leaves an earlier session as it was, and an approval of
    /// which it had not heard yet is lost; afterwards the new one is stored even if nobody waits. An
    /// earlier session is revoked after that.
    ///
    /// # Errors
    /// [`Error::AccessDenied`], [`Error::LoginExpired`], and [`Error::Store`] before anything is
    /// shown if the session could not be stored.
    pub async fn login(&self, show: impl FnMut(Prompt) + Send) -> Result<Arc<Credentials>, Error> {
        let grant = store::in_login(self.0.core.authorize_device(show)).await?;
        self.establish(grant).await
    }

    /// Signs out: at the server where that can be done, and here in any case.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], unless there was something left to delete of an earlier logout; or
    /// [`Error::Store`] if the profile cannot be changed.
    pub async fn logout(&self) -> Result<SignedOut, Error> {
        let core = Arc::clone(&self.0.core);
        let done = self.spawn(async move {
            let signed_out = core.logout().await;
            if signed_out != Err(Error::NotSignedIn) {
                return signed_out;
            }
            // An earlier logout may have left something to a keyring that was locked then.
            match core.store().sweep_leftovers().await? {
                Some(cleared) => Ok(SignedOut { revoked: None, cleared }),
                None => signed_out,
            }
        });
        done.await.map_err(|_| Error::Finished)?
    }

    /// Goes on as a member of another organization (WorkOS).
    ///
    /// # Errors
    /// What the server says if the user is not a member; the session goes on as it was.
    pub async fn switch_organization(&self, organization: &str) -> Result<AccessToken, Error> {
        let core = Arc::clone(&self.0.core);
        let done = self.spawn(core.switch_organization(organization.to_owned()));
        done.await.map_err(|_| Error::Finished)?
    }

    /// The stored credentials, fresh or not.
    ///
    /// # Errors
    /// As [`token`](Self::token), without the network's.
    pub async fn credentials(&self) -> Result<Arc<Credentials>, Error> {
        self.0.core.credentials().await
    }

    /// The API server that requests and tokens go to.
    pub fn server(&self) -> Option<&Endpoint> {
        self.0.server.as_ref()
    }

    /// The provider that the session is at.
    pub fn provider(&self) -> &Provider {
        self.0.core.provider()
    }

    /// Where the stored tokens are, if there are any.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn store(&self) -> Result<Option<StoreKind>, StoreError> {
        self.0.core.store().kind()
    }

    /// What happens to the session from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.core.runtime().subscribe()
    }

    /// Waits for what must not be cut off, a refresh that was sent or a session that is being
    /// stored, but at most for `wait`. To be called before the program ends early.
    pub async fn settle(&self, wait: Duration) {
        let mut pending = self.0.pending.subscribe();
        let _ = tokio::time::timeout(wait, pending.wait_for(|count| *count == 0)).await;
    }
}
