use std::sync::Arc;
use std::time::Duration;

use crate::{AccessToken, Credentials, Error, Freshness, Identity, Instant, Revision, Timestamp};

/// How long a token is answered from memory before the store is asked whether it changed (rule 1).
const RECHECK: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct State {
    /// Whose session this is, from the first look at the store or from a login (rule 5).
    pub(super) identity: Option<Identity>,
    /// The login that it comes from, as [`login_of`] says.
    pub(super) login: Option<String>,
    pub(super) current: Option<Arc<Current>>,
    /// Answer from memory until then.
    pub(super) trusted_until: Option<Instant>,
    /// The refresh token of this revision was refused.
    pub(super) over: Option<(Revision, Error)>,
    /// The last refresh failed in passing, and until when not to try again.
    pub(super) failed: Option<(Error, Instant)>,
}

/// Which login `credentials` that are stored at `revision` come from, if no subject tells whose
/// they are: somebody else may have signed in meanwhile.
pub(super) fn login_of(credentials: &Credentials, revision: &Revision) -> Option<String> {
    match credentials.identity.subject {
        Some(_) => None,
        None => Some(credentials.login.clone().unwrap_or_else(|| revision.0.clone())),
    }
}

impl State {
    /// Whether `credentials` are this session's, or it is not known yet whose it is.
    pub(super) fn is_same(&self, credentials: &Credentials, revision: &Revision) -> bool {
        self.identity.as_ref().is_none_or(|identity| {
            *identity == credentials.identity && self.login == login_of(credentials, revision)
        })
    }

    /// Takes note of whose session it is.
    pub(super) fn belong_to(&mut self, credentials: &Credentials, revision: &Revision) {
        self.identity = Some(credentials.identity.clone());
        self.login = login_of(credentials, revision);
    }

    /// Why the current tokens are not to be used, nor refreshed, any more.
    pub(super) fn over(&self) -> Option<&Error> {
        let (revision, error) = self.over.as_ref()?;
        (self.current.as_ref()?.revision == *revision).then_some(error)
    }

    /// Takes `current` over.
    pub(super) fn begin(&mut self, current: Current, now: Instant) {
        self.current = Some(Arc::new(current));
        self.trust(now);
    }

    /// Answers from memory for the next second, as long as the token is fresh.
    pub(super) fn trust(&mut self, now: Instant) {
        self.trusted_until = Some(now + RECHECK);
    }
}

pub(super) struct Current {
    pub(super) credentials: Arc<Credentials>,
    pub(super) token: AccessToken,
    pub(super) revision: Revision,
    /// The store still has the tokens before these, at `revision`.
    pub(super) unsaved: bool,
    /// Monotonic moment of receipt, if this process saw it; the wall clock may be stepped.
    pub(super) received: Option<Instant>,
}

impl Current {
    /// `credentials` as they are stored at `revision`.
    pub(super) fn new(
        credentials: Arc<Credentials>,
        revision: Revision,
        received: Option<Instant>,
    ) -> Self {
        let token = credentials.access();
        Self { credentials, token, revision, unsaved: false, received }
    }

    pub(super) fn can_refresh(&self) -> bool {
        self.credentials.refresh_token.is_some()
    }

    /// Both clocks are asked where both are known: the wall clock may be stepped, and the
    /// monotonic one may stop while the machine sleeps.
    pub(super) fn freshness(&self, now: Instant, wall: Timestamp) -> Freshness {
        let by_wall = self.credentials.freshness(wall);
        let Some(received) = self.received else { return by_wall };
        let elapsed = self.credentials.received_at.plus(now.since(received).as_secs());
        let by_monotonic = self.credentials.freshness(elapsed);
        match (by_wall, by_monotonic) {
            (Freshness::Expired, _) | (_, Freshness::Expired) => Freshness::Expired,
            (Freshness::Stale, _) | (_, Freshness::Stale) => Freshness::Stale,
            _ => Freshness::Fresh,
        }
    }
}
