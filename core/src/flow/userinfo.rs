use std::sync::Arc;
use std::time::Duration;

use super::{Action, Exchange, Flow, Input};
use crate::wire::ParseJson;
use crate::{Error, Instant, Provider, Request, Response, Secret, User};

/// Asks who the user is (OpenID Connect Core §5.3).
#[derive(Debug)]
pub struct Userinfo {
    provider: Arc<Provider>,
    access_token: Secret,
    subject: Option<String>,
    parse: ParseJson,
    state: Exchange,
}

/// Deadline: the tokens of a login wait for it, and are not stored yet.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Userinfo {
    /// Asks with `access_token`; the answer must be about `subject`, where that is known.
    pub fn new(
        provider: impl Into<Arc<Provider>>,
        access_token: Secret,
        subject: Option<String>,
        parse: ParseJson,
    ) -> Self {
        let provider = provider.into();
        Self { provider, access_token, subject, parse, state: Exchange::Start }
    }

    fn request(&self) -> Result<Box<Request>, Error> {
        let endpoint = &self.provider.endpoints.userinfo;
        let endpoint = endpoint.clone().ok_or(Error::MissingEndpoint("userinfo"))?;
        let mut request = Request::fetch(endpoint);
        request.timeout = TIMEOUT;
        request.authorization = Some(self.provider.authorization(&self.access_token));
        Ok(request)
    }

    fn answered(&self, response: &Response) -> Result<User, Error> {
        const OF: &str = "userinfo response";
        if response.status != 200 {
            return Err(Error::from_response(OF, response, self.parse, Some(&self.access_token)));
        }
        let malformed = |problem| Error::malformed(OF, problem, 200);
        let claims = (self.parse)(&response.body).map_err(|_| malformed("it is not JSON"))?;
        let user = Provider::user_of_claims(&claims).ok_or_else(|| malformed("it has no sub"))?;
        match &self.subject {
            Some(subject) if *subject != user.id => Err(malformed("it is about another user")),
            _ => Ok(user),
        }
    }
}

impl Flow for Userinfo {
    type Output = User;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<User>, Error> {
        let mut state = self.state;
        let action = state.step(input, || self.request(), |response| self.answered(response));
        self.state = state;
        action
    }
}
