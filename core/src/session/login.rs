use std::sync::Arc;

use super::state::{Current, State};
use super::{LOCK_WAIT, Session, drive, silent};
use crate::flow::{Device, Prompt, Userinfo};
use crate::{Credentials, Error, Event, Grant, Http, Revision, Runtime, Store, StoreError};

impl<H: Http, S: Store, R: Runtime> Session<H, S, R> {
    /// The device flow, up to its grant; nothing is stored yet, so it may be dropped at any time.
    ///
    /// # Errors
    /// Before anything is shown if the store cannot be written (rule 7); then what the flow says.
    pub async fn authorize_device(&self, show: impl FnMut(Prompt)) -> Result<Box<Grant>, Error> {
        let guard = self.store.lock(LOCK_WAIT).await?;
        self.store.probe(&guard).await?;
        drop(guard);
        let device = Device::new(self.provider.clone(), self.runtime.json());
        drive(device, &self.http, &self.runtime, show).await
    }

    /// Makes `grant` this profile's session and revokes the one before (rule 10).
    ///
    /// To be run to its end, since the grant exists nowhere else.
    ///
    /// # Errors
    /// If the grant cannot be stored.
    pub async fn establish(&self, mut grant: Box<Grant>) -> Result<Arc<Credentials>, Error> {
        let now = (self.runtime.now(), self.runtime.wall());
        if grant.user.as_ref().is_none_or(|user| user.email.is_none()) {
            self.ask_userinfo(&mut grant).await;
        }
        let credentials =
            Credentials::new(&self.provider.issuer, &self.provider.client_id, *grant, now.1);
        let (revision, previous) = self.replace(&credentials).await?;
        let credentials = Arc::new(credentials);
        {
            let mut state = self.state();
            *state = State { identity: Some(credentials.identity.clone()), ..State::default() };
            let current = Current::new(Arc::clone(&credentials), revision, Some(now.0));
            state.begin(current, now.0, now.1);
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
        let expected = self.store.revision().await?;
        // What is there may be unreadable; then it is replaced without being revoked.
        let previous = self.newest().await.ok().flatten();
        Ok((self.save(&guard, expected.as_ref(), credentials).await?, previous))
    }

    /// Whether to revoke `previous` could end `credentials` too.
    fn may_share_grant(&self, previous: &Credentials, credentials: &Credentials) -> bool {
        let grant_of = |of: &Credentials| self.provider.grant_of(of, self.runtime.json());
        let (before, after) = (grant_of(previous), grant_of(credentials));
        before.is_none() || after.is_none() || before == after
    }

    /// Adds what userinfo knows. A name is no reason to fail a login that succeeded.
    async fn ask_userinfo(&self, grant: &mut Grant) {
        if self.provider.endpoints.userinfo.is_none() {
            return;
        }
        let flow = Userinfo::new(
            self.provider.clone(),
            grant.access_token.clone(),
            grant.subject.clone(),
            self.runtime.json(),
        );
        if let Ok(user) = drive(flow, &self.http, &self.runtime, silent).await {
            grant.subject.get_or_insert_with(|| user.id.clone());
            grant.user = Some(user);
        }
    }
}
