use std::sync::Arc;

use super::houston::Houston;
use super::{Action, Exchange, Flow, Input, userinfo};
use crate::wire::ParseJson;
use crate::{
    Dialect, Endpoint, Error, Grant, Instant, Named, Provider, Request, Response, Secret,
    ServerError, jwt,
};

/// Checks an access token that the user got elsewhere, before it is stored.
///
/// The server is asked something that takes a token: userinfo, or at Astronomer Software the
/// workspaces. The grant has no refresh token, and lives until the `exp` that a JWT names, by the
/// server's own clock.
///
/// A token that is not accepted, or not any more, is [`Error::AccessDenied`] with the code
/// `invalid_token` (RFC 6750 §3.1).
#[derive(Debug)]
pub struct PastedToken {
    provider: Arc<Provider>,
    access_token: Secret,
    parse: ParseJson,
    state: Exchange,
}

impl PastedToken {
    /// Checks `access_token` at `provider`.
    pub fn new(provider: impl Into<Arc<Provider>>, access_token: Secret, parse: ParseJson) -> Self {
        let provider = provider.into();
        Self { provider, access_token, parse, state: Exchange::Start }
    }

    fn request(&self) -> Result<Box<Request>, Error> {
        if !self.access_token.is_token() {
            return Err(invalid_token("it is empty, or has characters that no token has", 0));
        }
        match self.provider.dialect {
            Dialect::Software => Ok(self.houston()?.request()),
            _ => userinfo::request(&self.provider, &self.access_token),
        }
    }

    fn houston(&self) -> Result<Houston<Vec<Named>>, Error> {
        let houston = Endpoint::parse(&self.provider.issuer)?;
        Ok(Houston::workspaces(&houston, self.access_token.clone(), self.parse))
    }

    fn answered(&self, response: &Response) -> Result<Box<Grant>, Error> {
        let user = match self.provider.dialect {
            Dialect::Software => self.houston()?.answered(response).map(|_| None),
            _ => userinfo::read(&self.provider, &self.access_token, response, self.parse).map(Some),
        };
        let user = user.map_err(refused)?;
        let claims = jwt::claims(self.access_token.expose_secret(), self.parse);
        let claims = claims.as_ref();
        let lifetime = claims.and_then(|claims| jwt::time_left(claims, response));
        if lifetime == Some(0) {
            return Err(invalid_token("it has expired", response.status));
        }
        let subject = match &user {
            Some(user) => Some(user.id.as_str()),
            None => claims.and_then(|claims| claims.string("sub")),
        };
        Ok(Box::new(Grant {
            access_token: self.access_token.clone(),
            refresh_token: None,
            lifetime,
            subject: subject.map(str::to_owned),
            organization: None,
            user,
        }))
    }
}

/// The error of a check that failed: whether for the token, or for something else.
fn refused(error: Error) -> Error {
    let (description, status) = match &error {
        Error::SessionOver(Some(server)) => (server.description.as_deref(), server.status),
        Error::Server(server)
            if matches!(server.status, 401 | 403) || server.code == "FORBIDDEN" =>
        {
            (server.description.as_deref(), server.status)
        }
        // Words for people, or none at all.
        Error::MalformedResponse(answer) if matches!(answer.status, 401 | 403) => {
            (None, answer.status)
        }
        _ => return error,
    };
    invalid_token(description.unwrap_or("the server does not accept it"), status)
}

fn invalid_token(description: &str, status: u16) -> Error {
    let (code, description) = ("invalid_token".to_owned(), Some(description.to_owned()));
    Error::AccessDenied(Some(Box::new(ServerError { code, description, status })))
}

impl Flow for PastedToken {
    type Output = Box<Grant>;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<Box<Grant>>, Error> {
        Exchange::step(self, |it| &mut it.state, input, |it| it.request(), Self::answered)
    }
}
