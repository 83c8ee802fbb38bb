use std::time::Duration;

use super::{Action, Exchange, Flow, Input};
use crate::wire::ParseJson;
use crate::{Credentials, Dialect, Error, Instant, Provider, Request, Response, Secret};

/// Ends a session at its server (RFC 7009, or WorkOS's sign-out).
#[derive(Debug)]
pub struct Revoke {
    dialect: Dialect,
    /// What the request may hold.
    token: Secret,
    request: Option<Box<Request>>,
    parse: ParseJson,
    state: Exchange,
}

/// Deadline: a logout must not hang on a server that does not answer.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Revoke {
    /// Revokes `credentials`; `None` where the provider has no way to.
    ///
    /// # Errors
    /// If the request cannot be made.
    pub fn new(
        provider: &Provider,
        credentials: &Credentials,
        parse: ParseJson,
    ) -> Result<Option<Self>, Error> {
        let mut request = provider.revocation_request(credentials, parse)?;
        let Some(sent) = &mut request else { return Ok(None) };
        sent.timeout = TIMEOUT;
        let dialect = provider.dialect;
        let token = credentials.refresh_token.as_ref().unwrap_or(&credentials.access_token).clone();
        Ok(Some(Self { dialect, token, request, parse, state: Exchange::Start }))
    }
}

impl Flow for Revoke {
    type Output = ();

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<()>, Error> {
        let answered = |it: &Self, response: &Response| match (it.dialect, response.status) {
            (_, 200..=299) => Ok(()),
            // WorkOS signs out in a browser, and sends it on.
            (Dialect::WorkOs(_), 302 | 303 | 307) => Ok(()),
            _ => {
                let sent = &[&it.token];
                Err(Error::from_response("revocation response", response, it.parse, sent))
            }
        };
        let request = |it: &mut Self| it.request.take().ok_or(Error::Finished);
        Exchange::step(self, |it| &mut it.state, input, request, answered)
    }
}
