use std::sync::Arc;
use std::time::Duration;

use super::{Action, Flow, Input, token};
use crate::wire::ParseJson;
use crate::{Error, Grant, HttpErrorKind, Instant, Provider, Request, Response, Secret};

/// Exchanges a refresh token (RFC 6749 §6).
///
/// ```text
/// Start ─send→ Sent(1) ─reply lost, send again→ Sent(2) ─answer→ Ended
///                 └─answer, or nothing was sent→ Ended
/// ```
///
/// A lost reply may mean that the token was rotated: a server with a grace period then answers the
/// same again, so the request is repeated once, at once.
#[derive(Debug)]
pub struct Refresh {
    provider: Arc<Provider>,
    refresh_token: Secret,
    organization: Option<String>,
    parse: ParseJson,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Start,
    Sent { attempt: u8 },
    Ended,
}

/// How often a request whose reply was lost is sent in all.
const ATTEMPTS: u8 = 2;
/// Deadline of one attempt, so that all of them end before the waiters for the lock give up, unless
/// the store is slow too.
const TIMEOUT: Duration = Duration::from_secs(15);

impl Refresh {
    /// Refreshes with `refresh_token`; `organization` is named where the provider has them.
    pub fn new(
        provider: impl Into<Arc<Provider>>,
        refresh_token: Secret,
        organization: Option<String>,
        parse: ParseJson,
    ) -> Self {
        let provider = provider.into();
        Self { provider, refresh_token, organization, parse, state: State::Start }
    }

    fn request(&self) -> Result<Box<Request>, Error> {
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", self.refresh_token.expose_secret()),
        ];
        if let Some(organization) = &self.organization {
            fields.push(("organization_id", organization));
        }
        let mut request = self.provider.token_request(&fields)?;
        request.timeout = TIMEOUT;
        Ok(request)
    }

    fn answered(&self, response: &Response) -> Result<Box<Grant>, Error> {
        if response.status == 200 {
            return token::renewal(&self.provider, response, self.parse);
        }
        Err(
            match Error::from_response(
                "token response",
                response,
                self.parse,
                &[&self.refresh_token],
            ) {
                // RFC 6749 §5.2, and the two ends of a session that WorkOS has besides.
                Error::Server(error)
                    if matches!(
                        error.code.as_str(),
                        "invalid_grant" | "mfa_enrollment" | "sso_required"
                    ) =>
                {
                    Error::SessionOver(Some(error))
                }
                error => error,
            },
        )
    }
}

impl Flow for Refresh {
    type Output = Box<Grant>;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<Box<Grant>>, Error> {
        let (state, action) = match (std::mem::replace(&mut self.state, State::Ended), input) {
            (State::Start, Input::Tick) => {
                (State::Sent { attempt: 1 }, Action::Send(self.request()?))
            }
            (State::Sent { attempt }, Input::Response(Err(error)))
                if attempt < ATTEMPTS
                    && matches!(
                        error.kind,
                        HttpErrorKind::Timeout | HttpErrorKind::Interrupted | HttpErrorKind::Hidden
                    ) =>
            {
                (State::Sent { attempt: attempt + 1 }, Action::Send(self.request()?))
            }
            (State::Sent { .. }, Input::Response(response)) => {
                (State::Ended, Action::Done(self.answered(&*response?)?))
            }
            (state @ State::Sent { .. }, Input::Tick) => (state, Action::AwaitResponse),
            (State::Ended, _) => return Err(Error::Finished),
            (State::Start, Input::Response(_)) => {
                self.state = State::Start;
                return Err(Error::UnexpectedResponse);
            }
        };
        self.state = state;
        Ok(action)
    }
}
