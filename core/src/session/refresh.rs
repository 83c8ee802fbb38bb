use std::sync::Arc;
use std::time::Duration;

use super::state::{Current, login_of};
use super::{LOCK_WAIT, Session, drive, silent};
use crate::flow::Refresh;
use crate::{
    AccessToken, Error, Event, Freshness, Grant, Http, Instant, Runtime, Secret, Store, StoreError,
};

/// Seconds between attempts to refresh while the token is still valid.
const RETRY_REFRESH: u64 = 10;
/// The longest time for which a server that names one is left alone, in seconds: a wrong one is not
/// to outlast the program.
const LONGEST_PAUSE: u64 = 300;

impl<H: Http, S: Store, R: Runtime> Session<H, S, R> {
    /// Refreshes what is still stale under the profile's lock, once for everybody (rules 2 to 5).
    ///
    /// With `rejected`, the token that a server answered 401 to, only if that one is still current
    /// (rule 11). To be spawned, and shared by the callers of one process.
    ///
    /// # Errors
    /// [`Error::SessionOver`] only from the server. Whatever else goes wrong, a token that has not
    /// expired is still given.
    pub async fn refresh(self: Arc<Self>, rejected: Option<Secret>) -> Result<AccessToken, Error> {
        let usable = self.usable(rejected.as_ref());
        // One whose token is still valid does not wait for the process that is refreshing it.
        let wait = if usable.is_some() { Duration::ZERO } else { LOCK_WAIT };
        let refreshed = {
            let guard = self.store.lock(wait).await;
            self.refresh_locked(guard.as_ref(), rejected.as_ref(), None).await
        };
        let error = match refreshed {
            Err(error) if error.is_passing() => error,
            refreshed => return refreshed,
        };
        let usable = self.usable(rejected.as_ref());
        // That somebody else is refreshing is no failure to one who need not wait for it.
        let busy = usable.is_some()
            && matches!(&error, Error::Store(error) if **error == StoreError::Busy);
        if self.put_off(&error) && !busy {
            self.runtime.emit(Event::RefreshFailed(error.clone()));
        }
        usable.ok_or(error)
    }

    /// Puts the next attempt off; false if it was, and `error` is only the last one told again.
    fn put_off(&self, error: &Error) -> bool {
        let now = self.runtime.now();
        let mut state = self.state();
        if state.failed.as_ref().is_some_and(|(_, until)| now < *until) {
            return false;
        }
        let asked = match error {
            Error::Unavailable { retry_after, .. } => u64::from(*retry_after),
            _ => 0,
        };
        let pause = Duration::from_secs(asked.clamp(RETRY_REFRESH, LONGEST_PAUSE));
        state.failed = Some((error.clone(), now + pause));
        true
    }

    /// Refreshes at once for `organization`, and from then on (WorkOS).
    ///
    /// # Errors
    /// What the server says if the user is not a member; the session goes on as it was.
    pub async fn switch_organization(
        self: Arc<Self>,
        organization: String,
    ) -> Result<AccessToken, Error> {
        let guard = self.store.lock(LOCK_WAIT).await;
        let token = self.refresh_locked(guard.as_ref(), None, Some(&organization)).await?;
        let found = self.state().identity.as_ref().and_then(|id| id.organization.clone());
        if found.as_ref() == Some(&organization) {
            return Ok(token);
        }
        Err(Error::malformed("token response", "it is for another organization", 200))
    }

    /// Under the lock: read again, refresh what is still stale, save, and only then show.
    ///
    /// Who did not get the lock reads again too: who has it may have stored the token already, and
    /// be busy with what was there before.
    async fn refresh_locked(
        &self,
        guard: Result<&S::Guard, &StoreError>,
        rejected: Option<&Secret>,
        organization: Option<&str>,
    ) -> Result<AccessToken, Error> {
        self.look().await?;
        let guard = guard.map_err(StoreError::clone)?;
        self.save_unsaved(guard).await?;
        let mut is_told_again = false;
        loop {
            let (now, wall) = (self.runtime.now(), self.runtime.wall());
            let current = self.state().current.clone().ok_or(Error::NotSignedIn)?;
            let freshness = current.freshness(now, wall);
            let is_rejected = rejected.is_some_and(|rejected| rejected == current.token.secret());
            if organization.is_none() && !is_rejected {
                let lasts = !current.can_refresh() && freshness == Freshness::Stale;
                if freshness == Freshness::Fresh || lasts {
                    return Ok(current.token.clone());
                }
            }
            let insists = is_rejected || organization.is_some();
            if let Some(error) = self.known_failure(&current, now, insists) {
                return Err(error);
            }
            let Some(refresh_token) = current.credentials.refresh_token.clone() else {
                return Err(Error::SessionOver(None));
            };
            self.store.probe(guard).await?;
            let named = organization.or(current.credentials.identity.organization.as_deref());
            let flow = Refresh::new(
                self.provider.clone(),
                refresh_token,
                named.map(str::to_owned),
                self.runtime.json(),
            );
            let reason = match drive(flow, &self.http, &self.runtime, silent).await {
                Ok(grant) => {
                    let kept = self.keep(guard, &current, grant, organization, is_told_again);
                    if let Some(token) = kept.await? {
                        return Ok(token);
                    }
                    is_told_again = true;
                    continue;
                }
                Err(Error::SessionOver(reason)) => reason,
                Err(error) => return Err(error),
            };
            // A sibling that shares no lock with this one may have been faster.
            self.look().await?;
            let again = self.state().current.clone().ok_or(Error::NotSignedIn)?;
            if again.revision == current.revision {
                // Another organization that refuses, as with `sso_required`, does not end this one.
                if let (Some(_), Some(refusal)) = (organization, &reason) {
                    return Err(Error::Server(refusal.clone()));
                }
                let error = Error::SessionOver(reason);
                self.state().over = Some((current.revision.clone(), error.clone()));
                self.runtime.emit(Event::SessionOver);
                return Err(error);
            }
        }
    }

    /// Tries again to store tokens that so far exist in this process only.
    async fn save_unsaved(&self, guard: &S::Guard) -> Result<(), Error> {
        let Some(current) = self.state().current.clone().filter(|current| current.unsaved) else {
            return Ok(());
        };
        let saved = self.store.save(guard, Some(&current.revision), &current.credentials).await?;
        let expires_at = current.credentials.expires_at();
        let credentials = Arc::clone(&current.credentials);
        let saved = Current::new(credentials, saved, current.received);
        self.state().current = Some(Arc::new(saved));
        self.runtime.emit(Event::Refreshed { expires_at });
        Ok(())
    }

    /// What is known to fail without asking the server again.
    fn known_failure(&self, current: &Current, now: Instant, insists: bool) -> Option<Error> {
        let state = self.state();
        if let Some(error) = state.over() {
            return Some(error.clone());
        }
        let (error, until) = state.failed.as_ref()?;
        // A caller with a rejected or expired token has nothing else to go on with: it may ask,
        // unless the server said when.
        let must_ask = insists || current.freshness(now, self.runtime.wall()) == Freshness::Expired;
        let may_ask = !matches!(error, Error::Unavailable { retry_after: 1.., .. });
        (now < *until && !(must_ask && may_ask)).then(|| error.clone())
    }

    /// Saves what a refresh gave, then lets it be seen (rule 3).
    ///
    /// `None` if its refresh token leads on: a server that repeats its answers has told again what
    /// became of a switch that was cut short, and the session is still elsewhere.
    async fn keep(
        &self,
        guard: &S::Guard,
        before: &Current,
        mut grant: Box<Grant>,
        organization: Option<&str>,
        is_told_again: bool,
    ) -> Result<Option<AccessToken>, Error> {
        let (now, wall) = (self.runtime.now(), self.runtime.wall());
        let known = &before.credentials.identity;
        let named = organization.or(known.organization.as_deref());
        let is_elsewhere = differs(grant.organization.as_deref(), named);
        let unasked = grant.organization.as_deref() != organization;
        let is_foreign =
            unasked && differs(grant.organization.as_deref(), known.organization.as_deref());
        if differs(grant.subject.as_deref(), known.subject.as_deref())
            || is_foreign && is_told_again
        {
            // The refresh token is used up, so asking again could only end the session.
            self.state().over = Some((before.revision.clone(), Error::SessionChanged));
            return Err(Error::SessionChanged);
        }
        let leads_on = is_elsewhere && !is_told_again;
        let (mut since, mut received) = (wall, Some(now));
        if leads_on {
            grant.access_token = before.credentials.access_token.clone();
            grant.lifetime = before.credentials.lifetime;
            grant.organization = None;
            (since, received) = (before.credentials.received_at, before.received);
        }
        let mut credentials = before.credentials.renewed(*grant, since);
        credentials.login = login_of(&before.credentials, &before.revision);
        let credentials = Arc::new(credentials);
        let saved = self.save(guard, Some(&before.revision), &credentials).await;
        let event = match &saved {
            Ok(_) => Event::Refreshed { expires_at: credentials.expires_at() },
            // Signed out or in again meanwhile, by a program without our lock: not to be undone.
            Err(StoreError::Changed) => {
                self.look().await?;
                let stored = self.state().current.clone().ok_or(Error::NotSignedIn)?;
                return Ok(Some(stored.token.clone()));
            }
            Err(error) => Event::NotSaved(error.clone()),
        };
        let unsaved = saved.is_err();
        let revision = saved.unwrap_or_else(|_| before.revision.clone());
        let current =
            Current { unsaved, ..Current::new(Arc::clone(&credentials), revision, received) };
        let token = current.token.clone();
        {
            let mut state = self.state();
            state.belong_to(&credentials, &before.revision);
            state.begin(current, now);
            state.failed = None;
            state.over = None;
        }
        if leads_on {
            return Ok(None);
        }
        self.runtime.emit(event);
        Ok(Some(token))
    }
}

/// Whether both are named, and are not the same.
fn differs(new: Option<&str>, known: Option<&str>) -> bool {
    new.is_some() && known.is_some() && new != known
}
