use std::sync::Arc;

use super::state::{Current, State};
use super::{LOCK_WAIT, Session, drive, silent};
use crate::flow::{Device, Entropy, PastedToken, Pending, Prompt, Userinfo};
use crate::{
    Credentials, Dialect, Endpoint, Error, Event, Grant, Http, Revision, Runtime, Secret, Store,
    StoreError,
};

impl<H: Http, S: Store, R: Runtime> Session<H, S, R> {
    /// Makes sure that a login could be stored, before a user is asked to do anything (rule 7).
    ///
    /// # Errors
    /// [`Error::Store`]
    pub async fn prepare_login(&self) -> Result<(), Error> {
        let guard = self.store.lock(LOCK_WAIT).await?;
        Ok(self.store.probe(&guard).await?)
    }

    /// Begins the authorization code flow; see [`Pending::begin`]. Nothing is sent.
    ///
    /// # Errors
    /// As [`Pending::begin`].
    pub fn begin_code(
        &self,
        redirect_uri: &str,
        parameters: &[(&str, &str)],
        entropy: &Entropy,
    ) -> Result<(Endpoint, Pending), Error> {
        let provider = Arc::clone(&self.provider);
        Pending::begin(provider, redirect_uri, parameters, entropy, self.runtime.wall())
    }

    /// Ends the authorization code flow with `callback`, the whole URL that the browser came back
    /// to; nothing is stored yet.
    ///
    /// # Errors
    /// As [`Pending::finish`], and [`Error::InvalidCallback`] for a login begun at another provider
    /// or for another client; then what the token endpoint says.
    pub async fn redeem(&self, pending: Pending, callback: &str) -> Result<Box<Grant>, Error> {
        let (begun, own) = (pending.provider(), &*self.provider);
        if (&begun.issuer, &begun.client_id) != (&own.issuer, &own.client_id) {
            return Err(Error::InvalidCallback("the login was begun at another provider"));
        }
        let code = pending.finish(callback, self.runtime.wall(), self.runtime.json())?;
        drive(code, &self.http, &self.runtime, silent).await
    }

    /// The device flow, up to its grant; nothing is stored yet, so it may be dropped at any time.
    ///
    /// # Errors
    /// Before anything is shown if the store cannot be written (rule 7); then what the flow says.
    pub async fn authorize_device(&self, show: impl FnMut(Prompt)) -> Result<Box<Grant>, Error> {
        self.prepare_login().await?;
        let device = Device::new(self.provider.clone(), self.runtime.json());
        drive(device, &self.http, &self.runtime, show).await
    }

    /// A token that the user got elsewhere, once the server has accepted it; nothing is stored yet.
    ///
    /// # Errors
    /// Before anything is sent if the store cannot be written (rule 7); then as [`PastedToken`].
    pub async fn accept_token(&self, token: Secret) -> Result<Box<Grant>, Error> {
        self.prepare_login().await?;
        let flow = PastedToken::new(self.provider.clone(), token, self.runtime.json());
        drive(flow, &self.http, &self.runtime, silent).await
    }

    /// Makes `grant` this profile's session and revokes the one before (rule 10).
    ///
    /// To be run to its end, since the grant exists nowhere else.
    ///
    /// # Errors
    /// If the grant cannot be stored: then it is revoked, where that ends no other login's session.
    /// At Astro cloud also if its user's e-mail address is not to be had.
    pub async fn establish(&self, mut grant: Box<Grant>) -> Result<Arc<Credentials>, Error> {
        let now = (self.runtime.now(), self.runtime.wall());
        if grant.user.as_ref().is_none_or(|user| user.email.is_none()) {
            self.ask_userinfo(&mut grant).await?;
        }
        let credentials =
            Credentials::new(&self.provider.issuer, &self.provider.client_id, *grant, now.1);
        let (revision, previous) = match self.replace(&credentials).await {
            Ok(replaced) => replaced,
            Err(error) => {
                self.take_back(&credentials).await;
                return Err(error.into());
            }
        };
        let credentials = Arc::new(credentials);
        {
            let mut state = self.state();
            *state = State::default();
            state.belong_to(&credentials, &revision);
            let current = Current::new(Arc::clone(&credentials), revision, Some(now.0));
            state.begin(current, now.0);
        }
        self.runtime.emit(Event::SignedIn);
        if let Some(previous) = previous
            && !self.may_share_grant(&previous, &credentials)
        {
            // The user asked for the new session, not for news of the old one.
            let _ = self.revoke(&previous).await;
        }
        Ok(credentials)
    }

    /// Stores `credentials` in place of what is there, and gives that back.
    async fn replace(
        &self,
        credentials: &Credentials,
    ) -> Result<(Revision, Option<Arc<Credentials>>), StoreError> {
        let guard = self.store.lock(LOCK_WAIT).await?;
        let mut is_first = true;
        loop {
            let expected = self.store.revision().await?;
            // What is there may be unreadable; then it is replaced without being revoked.
            let previous = self.newest().await.ok().flatten();
            let error = match self.save(&guard, expected.as_ref(), credentials).await {
                Ok(revision) => return Ok((revision, previous)),
                Err(error) => error,
            };
            if let Some(revision) = self.saved_as(credentials, expected).await {
                return Ok((revision, previous));
            }
            if error != StoreError::Changed || !is_first {
                return Err(error);
            }
            is_first = false;
        }
    }

    /// The revision of `credentials`, if a save that failed has done its work all the same.
    async fn saved_as(
        &self,
        credentials: &Credentials,
        before: Option<Revision>,
    ) -> Option<Revision> {
        if self.store.revision().await.ok()? == before {
            return None;
        }
        let (revision, stored) = self.store.load().await.ok()??;
        (stored.access_token == credentials.access_token).then_some(revision)
    }

    /// Revokes the grant of a login that could not be stored: else the server would keep a session
    /// that nobody has.
    ///
    /// Not where other logins may share the grant, those of other profiles and machines too: they
    /// are not to end for a full disk here. Nor a pasted token, which its user has elsewhere. What
    /// cannot be read may share it as well, or be this grant, by a save that is only late.
    async fn take_back(&self, credentials: &Credentials) {
        if !self.provider.has_sessions_of_logins() || credentials.refresh_token.is_none() {
            return;
        }
        let Ok(stored) = self.newest().await else { return };
        if !stored.is_some_and(|stored| self.may_share_grant(&stored, credentials)) {
            // The store's error says more than this one would.
            let _ = self.revoke(credentials).await;
        }
    }

    /// Whether to revoke `previous` could end `credentials` too.
    fn may_share_grant(&self, previous: &Credentials, credentials: &Credentials) -> bool {
        let grant_of = |of: &Credentials| self.provider.grant_of(of, self.runtime.json());
        let (before, after) = (grant_of(previous), grant_of(credentials));
        before.is_none() || after.is_none() || before == after
    }

    /// Adds what userinfo knows. A name is no reason to fail a login that succeeded, but Astro
    /// cloud has no users without an e-mail address.
    async fn ask_userinfo(&self, grant: &mut Grant) -> Result<(), Error> {
        if self.provider.endpoints.userinfo.is_none() {
            return Ok(());
        }
        let flow = Userinfo::new(
            self.provider.clone(),
            grant.access_token.clone(),
            grant.subject.clone(),
            self.runtime.json(),
        );
        match drive(flow, &self.http, &self.runtime, silent).await {
            Ok(user) => {
                grant.subject.get_or_insert_with(|| user.id.clone());
                grant.user = Some(user);
            }
            Err(error) if self.provider.dialect == Dialect::Astro => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }
}
