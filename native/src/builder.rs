use std::path::PathBuf;
use std::sync::Arc;

use astropass_core::{
    Cleared, Dialect, Endpoint, Endpoints, Error, Provider, Secret, StoreError, is_profile_name,
};

use crate::http::{AnyHttp, ReqwestHttp, SendHttp};
use crate::loopback::RedirectUri;
use crate::profile::Home;
use crate::runtime::SystemRuntime;
use crate::session::{Core, Session};
use crate::store::{Items, Keyring, ProfileStore, Prompt, StoreChoice};

/// What a [`Session`] is made of; see [`Session::builder`].
pub struct Builder {
    home: Option<Home>,
    profile: String,
    provider: Option<Provider>,
    server: Option<Endpoint>,
    ca_file: Option<PathBuf>,
    store: Option<StoreChoice>,
    attended: bool,
    http: Option<Arc<dyn SendHttp>>,
    items: Option<Arc<dyn Items>>,
    access_token: Option<Secret>,
    endpoints: Option<Endpoints>,
    redirect_uri: Option<RedirectUri>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            home: None,
            profile: "default".to_owned(),
            provider: None,
            server: None,
            ca_file: None,
            store: None,
            attended: false,
            http: None,
            items: None,
            access_token: None,
            endpoints: None,
            redirect_uri: None,
        }
    }

    /// The folder to use instead of the user's own.
    #[must_use]
    pub fn home(mut self, home: Home) -> Self {
        self.home = Some(home);
        self
    }

    /// The profile; `default` unless said otherwise.
    #[must_use]
    pub fn profile(mut self, name: &str) -> Self {
        name.clone_into(&mut self.profile);
        self
    }

    /// Where to sign in; what the profile remembers unless said otherwise. A login remembers it.
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// The API server, the only one that [`Session::send`] gives the token to; what the profile
    /// remembers unless said otherwise. A login remembers it.
    #[must_use]
    pub fn server(mut self, server: Endpoint) -> Self {
        self.server = Some(server);
        self
    }

    /// A PEM file of certificates to trust besides the platform's. A login remembers it.
    #[must_use]
    pub fn ca_file(mut self, ca_file: PathBuf) -> Self {
        self.ca_file = Some(ca_file);
        self
    }

    /// Which store a login uses; what the profile remembers unless said otherwise.
    #[must_use]
    pub fn store(mut self, store: StoreChoice) -> Self {
        self.store = Some(store);
        self
    }

    /// Somebody is there to answer the keyring's prompt, which may take a minute.
    #[must_use]
    pub fn attended(mut self, attended: bool) -> Self {
        self.attended = attended;
        self
    }

    /// Sends requests in a way of the caller's own.
    #[must_use]
    pub fn http(mut self, http: impl SendHttp + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Keeps tokens in `items` instead of the platform's keyring.
    #[must_use]
    pub fn keyring(mut self, items: impl Items) -> Self {
        self.items = Some(Arc::new(items));
        self
    }

    /// Lets a login remember which of the provider's endpoints were set by hand, for
    /// [`Profile::endpoints`](crate::Profile::endpoints).
    #[must_use]
    pub fn endpoints_by_hand(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = Some(endpoints);
        self
    }

    /// The redirect URI that is registered for the client, for
    /// [`login_with_browser`](Session::login_with_browser) at a provider that takes no free port;
    /// what the profile remembers unless a provider is given. A login remembers it.
    #[must_use]
    pub fn redirect_uri(mut self, redirect_uri: RedirectUri) -> Self {
        self.redirect_uri = Some(redirect_uri);
        self
    }

    /// Uses this access token as it is. It is never stored, refreshed or revoked.
    #[must_use]
    pub fn access_token(mut self, access_token: Secret) -> Self {
        self.access_token = Some(access_token);
        self
    }

    /// Deletes what logins of this profile left in the store that were killed, as the next one would
    /// do; `None` if there is nothing.
    ///
    /// # Errors
    /// If the store cannot be changed.
    pub async fn sweep(self) -> Result<Option<Cleared>, StoreError> {
        let home = match self.home {
            Some(home) => home,
            None => Home::from_env()?,
        };
        let (items, _) = keyrings(self.items, self.attended);
        let choice = StoreChoice::default();
        let store = ProfileStore::new(&home, &self.profile, items, choice, self.attended);
        store.sweep_leftovers().await
    }

    /// The session. Nothing is sent, and the keyring is not opened.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] without a provider, given or remembered; [`Error::Store`].
    pub fn build(self) -> Result<Session, Error> {
        let home = match self.home {
            Some(home) => home,
            None => Home::from_env()?,
        };
        if !is_profile_name(&self.profile) {
            return Err(Error::InvalidProfileName(self.profile.into()));
        }
        let remembered = match home.profile(&self.profile) {
            // A login sets it aside, and a token from outside needs none.
            Err(StoreError::Corrupt(_))
                if self.provider.is_some() || self.access_token.is_some() =>
            {
                None
            }
            remembered => remembered?,
        };
        if remembered.as_ref().is_some_and(|p| p.provider.is_none() && p.identity.is_some())
            && self.provider.is_none()
        {
            return Err(StoreError::Newer(format!(
                "profile {:?} is signed in at a provider of a kind that this program does not know",
                self.profile
            ))
            .into());
        }
        let choice = self
            .store
            .or(remembered.as_ref().map(|profile| profile.store_choice))
            .unwrap_or_default();
        let given = self.provider.clone().map(|p| (p, self.server.clone(), self.ca_file.clone()));
        let redirect_uri = match (self.redirect_uri, &self.provider) {
            (None, None) => remembered.as_ref().and_then(|profile| profile.redirect_uri.clone()),
            (given, _) => given,
        };
        let (known, mut known_server, known_ca_file) =
            remembered.map(|p| (p.provider, p.server, p.ca_file)).unwrap_or_default();
        if let (Some(given), Some(known)) = (&self.provider, &known)
            && given.issuer != known.issuer
        {
            // Another issuer's tokens are not for it.
            known_server = None;
        }
        let provider = match self.provider.or(known) {
            Some(provider) => provider,
            // A token from outside needs none.
            None if self.access_token.is_some() => Provider {
                issuer: String::new(),
                client_id: String::new(),
                scopes: Vec::new(),
                endpoints: Endpoints::default(),
                dialect: Dialect::Standard,
            },
            None => return Err(Error::NotSignedIn),
        };
        let server = self.server.or(known_server);
        let ca_file = self.ca_file.or(known_ca_file);
        let http = self.http.unwrap_or_else(|| Arc::new(ReqwestHttp::with_ca_file(ca_file)));
        let (items, quiet) = keyrings(self.items, self.attended);
        let runtime = SystemRuntime::new();
        let mut profile_store =
            ProfileStore::new(&home, &self.profile, items, choice, self.attended)
                .with_quiet(quiet)
                .with_runtime(runtime.clone());
        if let Some((provider, server, ca_file)) = given {
            let (name, by_hand) = (self.profile.clone(), self.endpoints);
            let redirect_uri = redirect_uri.clone();
            profile_store = profile_store.with_settings(move |document| {
                let profile = document.profile_mut(&name);
                let known = profile.field("provider").and_then(|known| known.string("issuer"));
                if known.is_some_and(|known| known != provider.issuer) {
                    profile.set("server", None);
                }
                profile.set("provider", Some(provider.to_value()));
                profile.set("store_choice", Some(choice.as_str().into()));
                profile.set("endpoints", by_hand.as_ref().map(Endpoints::to_value));
                let redirect_uri = redirect_uri.as_ref().map(RedirectUri::as_str);
                profile.set("redirect_uri", redirect_uri.map(Into::into));
                if let Some(server) = &server {
                    profile.set("server", Some(server.as_str().into()));
                }
                if let Some(ca_file) = &ca_file {
                    profile.set("ca_file", Some(ca_file.to_string_lossy().as_ref().into()));
                }
            });
        }
        let core = Core::new(provider, AnyHttp(http), profile_store, runtime);
        Ok(Session::new(core, server, redirect_uri, self.access_token))
    }
}

/// The keyring, and the same one without prompts.
fn keyrings(given: Option<Arc<dyn Items>>, attended: bool) -> (Arc<dyn Items>, Arc<dyn Items>) {
    let keyring = |prompt| -> Arc<dyn Items> { Arc::new(Keyring::new("astropass", prompt)) };
    match given {
        Some(items) => (Arc::clone(&items), items),
        None => {
            let prompt = if attended { Prompt::Allowed } else { Prompt::Never };
            (keyring(prompt), keyring(Prompt::Never))
        }
    }
}
