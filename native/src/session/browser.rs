use std::sync::Arc;
use std::time::Duration;

use astropass_core::flow::{Entropy, Pending};
use astropass_core::{
    ASTRO_REDIRECT_URI, Credentials, Dialect, Endpoint, Error, HttpError, HttpErrorKind, Runtime,
    printable,
};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::Session;
use crate::loopback::{Listener, RedirectUri, Site};
use crate::store;

/// What a login in the browser says of the user beforehand, and how it may end.
#[derive(Clone, Debug, Default)]
pub struct BrowserLogin {
    login_hint: Option<String>,
    organization: Option<String>,
    paste_suffices: bool,
}

/// Where to send the user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BrowserPrompt {
    /// The URL to open (RFC 6749 §4.1.1)
    pub authorization_url: Endpoint,
    /// Where the browser comes back to
    pub redirect_uri: String,
    /// Whether it is heard when it does; otherwise its last URL must be pasted
    pub is_listening: bool,
    /// How long the login waits
    pub expires_in: Duration,
}

impl BrowserLogin {
    /// How long a login waits for the browser.
    pub const WAIT: Duration = Duration::from_secs(300);

    /// The user's e-mail address, to be filled in at the provider.
    #[must_use]
    pub fn login_hint(mut self, login_hint: impl Into<String>) -> Self {
        self.login_hint = Some(login_hint.into());
        self
    }

    /// The organization to sign in to, where the provider has them.
    #[must_use]
    pub fn organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = Some(organization.into());
        self
    }

    /// Goes on where the registered port is taken: then the answer can only be pasted.
    #[must_use]
    pub fn paste_suffices(mut self, paste_suffices: bool) -> Self {
        self.paste_suffices = paste_suffices;
        self
    }

    /// The parameters of the authorization request.
    fn parameters(&self, dialect: Dialect) -> Vec<(&str, &str)> {
        let organization = match dialect {
            Dialect::WorkOs(_) => "organization_id",
            _ => "organization",
        };
        let login_hint = self.login_hint.as_deref().map(|hint| ("login_hint", hint));
        let organization = self.organization.as_deref().map(|id| (organization, id));
        login_hint.into_iter().chain(organization).collect()
    }
}

impl Session {
    /// Signs in with a browser on this machine: the authorization code flow (RFC 6749 §4.1) with
    /// PKCE (RFC 7636), whose answer comes to a port of this machine (RFC 8252 §7.3).
    ///
    /// `show` opens the URL, or shows it. Besides, the answer may be `paste`d: the whole URL that
    /// the browser ends at, if that is on another machine. `paste` is asked for a text and, with
    /// what was wrong with it, for another one; where nothing can be pasted it stays pending. The
    /// first answer that belongs to the login counts, and the browser is shown what became of it.
    ///
    /// Dropped before the answer, it frees the port and leaves an earlier session as it was;
    /// afterwards the new one is stored even if nobody waits. An earlier session is revoked after
    /// that.
    ///
    /// # Errors
    /// Before anything is shown [`Error::MissingEndpoint`], [`Error::Store`] if the session could
    /// not be stored, and [`Error::Http`] with [`HttpErrorKind::PortTaken`] if the registered port
    /// is another program's. Then [`Error::LoginExpired`] after [`BrowserLogin::WAIT`],
    /// [`Error::AccessDenied`], [`Error::InvalidCallback`] if another issuer answers, and what else
    /// the server says.
    pub async fn login_with_browser<F>(
        &self,
        login: &BrowserLogin,
        show: impl FnOnce(BrowserPrompt) + Send,
        paste: impl FnMut(Option<Error>) -> F + Send,
    ) -> Result<Arc<Credentials>, Error>
    where
        F: Future<Output = Zeroizing<String>> + Send,
    {
        let core = &self.0.core;
        if self.provider().endpoints.authorization.is_none() {
            return Err(Error::MissingEndpoint("authorization"));
        }
        self.prepare_login().await?;
        let listener = self.listener(login).await?;
        let parameters = login.parameters(self.provider().dialect);
        let (authorization_url, pending) =
            core.begin_code(listener.redirect_uri(), &parameters, &entropy()?)?;
        let prompt = BrowserPrompt {
            authorization_url,
            redirect_uri: listener.redirect_uri().to_owned(),
            is_listening: listener.is_listening(),
            expires_in: BrowserLogin::WAIT,
        };
        let (mut site, brought) = Site::new(listener, pending.clone());
        show(prompt);
        let result = tokio::select! {
            never = site.serve() => match never {},
            result = self.complete(pending, brought, paste) => result,
        };
        let outcome = result.as_deref().map(name_of).map_err(ToString::to_string);
        site.close(outcome).await;
        result
    }

    /// The sockets for the answer: at the redirect URI that is registered, if one is.
    async fn listener(&self, login: &BrowserLogin) -> Result<Listener, Error> {
        let astro = || ASTRO_REDIRECT_URI.parse::<RedirectUri>().ok();
        let registered = match (&self.0.redirect_uri, self.provider().dialect) {
            (Some(uri), _) => Some(uri.clone()),
            (None, Dialect::Astro) => astro(),
            (None, _) => None,
        };
        match (Listener::bind(registered.as_ref()).await, registered) {
            (Err(error), Some(uri))
                if login.paste_suffices && error.kind == HttpErrorKind::PortTaken =>
            {
                Ok(Listener::none(&uri))
            }
            (listener, _) => Ok(listener?),
        }
    }

    /// Waits for the answer, exchanges it for tokens and stores them.
    async fn complete<F>(
        &self,
        pending: Pending,
        mut brought: mpsc::Receiver<Zeroizing<String>>,
        paste: impl FnMut(Option<Error>) -> F + Send,
    ) -> Result<Arc<Credentials>, Error>
    where
        F: Future<Output = Zeroizing<String>> + Send,
    {
        let answer = async {
            tokio::select! {
                Some(url) = brought.recv() => url,
                url = self.pasted(&pending, paste) => url,
            }
        };
        let answer = tokio::time::timeout(BrowserLogin::WAIT, answer).await;
        let answer = answer.map_err(|_| Error::LoginExpired)?;
        // From here on the grant may exist, and nowhere else.
        let core = Arc::clone(&self.0.core);
        let established = self.spawn(store::in_login(async move {
            let grant = core.redeem(pending, &answer).await?;
            core.establish(grant).await
        }));
        established.await.map_err(|_| Error::Finished)?
    }

    /// The first pasted text that is an answer to this login.
    async fn pasted<F>(
        &self,
        pending: &Pending,
        mut paste: impl FnMut(Option<Error>) -> F + Send,
    ) -> Zeroizing<String>
    where
        F: Future<Output = Zeroizing<String>> + Send,
    {
        let mut wrong = None;
        loop {
            let url = paste(wrong.take()).await;
            if pending.is_answered_by(&url) {
                return url;
            }
            let runtime = self.0.core.runtime();
            wrong = pending.clone().finish(&url, runtime.wall(), runtime.json()).err();
        }
    }
}

/// Whom the page greets.
fn name_of(credentials: &Credentials) -> String {
    let user = credentials.user.as_ref();
    let known = user.map(|user| match (&user.name, &user.email) {
        (Some(name), Some(email)) => format!("{name} ({email})"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => user.id.clone(),
    });
    printable(&known.unwrap_or_default())
}

fn entropy() -> Result<Entropy, Error> {
    let mut bytes: Entropy = Zeroizing::new([0; 48]);
    getrandom::fill(&mut *bytes).map_err(|error| HttpError {
        kind: HttpErrorKind::Invalid,
        detail: format!("no random bytes: {error}"),
    })?;
    Ok(bytes)
}
