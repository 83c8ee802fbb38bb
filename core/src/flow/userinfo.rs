use std::sync::Arc;
use std::time::Duration;

use super::{Action, Exchange, Flow, Input};
use crate::wire::ParseJson;
use crate::{Dialect, Error, Instant, Provider, Request, Response, Secret, User};

/// Asks who the user is (OpenID Connect Core §5.3).
#[derive(Debug)]
pub struct Userinfo {
    provider: Arc<Provider>,
    access_token: Secret,
    subject: Option<String>,
    parse: ParseJson,
    state: Exchange,
}

const OF: &str = "userinfo response";
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

    fn answered(&self, response: &Response) -> Result<User, Error> {
        let user = read(&self.provider, &self.access_token, response, self.parse)?;
        match &self.subject {
            Some(subject) if *subject != user.id => {
                Err(Error::malformed(OF, "it is about another user", 200))
            }
            _ => Ok(user),
        }
    }
}

/// The question, asked with `access_token`.
pub(super) fn request(provider: &Provider, access_token: &Secret) -> Result<Box<Request>, Error> {
    let endpoint = provider.endpoints.userinfo.clone();
    let mut request = Request::fetch(endpoint.ok_or(Error::MissingEndpoint("userinfo"))?);
    request.timeout = TIMEOUT;
    request.authorization = Some(provider.authorization(access_token));
    Ok(request)
}

/// The user whom the answer names.
pub(super) fn read(
    provider: &Provider,
    access_token: &Secret,
    response: &Response,
    parse: ParseJson,
) -> Result<User, Error> {
    if response.status != 200 {
        return Err(Error::from_response(OF, response, parse, &[access_token]));
    }
    let malformed = |problem| Error::malformed(OF, problem, 200);
    let claims = parse(&response.body).map_err(|_| malformed("it is not JSON"))?;
    let user = Provider::user_of_claims(&claims).ok_or_else(|| malformed("it has no sub"))?;
    // Astro knows its users by their address.
    if provider.dialect == Dialect::Astro && user.email.is_none() {
        return Err(malformed("it has no email"));
    }
    Ok(user)
}

impl Flow for Userinfo {
    type Output = User;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<User>, Error> {
        let request = |it: &mut Self| request(&it.provider, &it.access_token);
        Exchange::step(self, |it| &mut it.state, input, request, Self::answered)
    }
}
