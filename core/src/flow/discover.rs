use std::time::Duration;

use super::{Action, Flow, Input};
use crate::endpoint::without_slashes;
use crate::wire::{ParseJson, concat};
use crate::{
    Endpoint, Endpoints, Error, HttpError, HttpErrorKind, Instant, IssuerMismatch, Request,
    Response, printable,
};

/// Finds a provider's endpoints by its issuer (RFC 8414 and OpenID Connect Discovery).
///
/// ```text
/// Start ─send→ OAuth ─answer, send→ OpenId ─answer→ Ended
///                                      └─one is out of order→ Pause ─due, send→ Again ─answer→ Ended
/// ```
///
/// Both documents are read, since real servers put into each what the other lacks: the first wins
/// and the other only fills gaps. One of them may be missing. One whose server is out of order is
/// asked for once more: what it alone names would be missing until the next login. Where it stays
/// so the other one has to do, since some servers answer 500 where there is nothing.
#[derive(Debug)]
pub struct Discover {
    issuer: String,
    parse: ParseJson,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    OAuth,
    OpenId { first: Document },
    Pause { documents: Box<[Document; 2]>, until: Instant },
    Again { documents: Box<[Document; 2]> },
    Ended,
}

/// What one of the two URLs gave.
type Document = Result<Endpoints, Error>;

/// Seconds before a document is asked for again; the longest, where its server names a time, since
/// somebody waits for a login to begin.
const PAUSE: u32 = 1;
const LONGEST_PAUSE: u32 = 5;

impl Discover {
    /// Discovery for `issuer`, exactly as the server writes it.
    pub fn new(issuer: &str, parse: ParseJson) -> Self {
        Self { issuer: issuer.to_owned(), parse, state: State::Start }
    }

    /// RFC 8414 §3.1: the well-known segment goes between host and path.
    fn oauth_request(&self) -> Result<Box<Request>, Error> {
        let issuer = Endpoint::parse(&self.issuer)?;
        let path = without_slashes(issuer.path());
        let url = concat(&[issuer.origin(), "/.well-known/oauth-authorization-server", path]);
        Ok(Request::fetch(Endpoint::parse(&url)?))
    }

    /// OpenID Connect Discovery §4: it is appended.
    fn openid_request(&self) -> Result<Box<Request>, Error> {
        let issuer = Endpoint::parse(&self.issuer)?;
        Ok(Request::fetch(issuer.join(".well-known/openid-configuration")?))
    }

    /// Reads a document. One that is not there is the inner error; one that says something wrong
    /// ends discovery.
    fn document(&self, response: Result<Box<Response>, HttpError>) -> Result<Document, Error> {
        let response = match response {
            // Servers let every origin read their metadata, and not their page for what is not there.
            Err(error) if error.kind == HttpErrorKind::Hidden => return Ok(Err(error.into())),
            response => response?,
        };
        const OF: &str = "metadata";
        let malformed = |problem| Error::malformed(OF, problem, response.status);
        if response.status != 200 {
            return Ok(Err(match Error::from_response(OF, &response, self.parse, &[]) {
                Error::MalformedResponse(_) => malformed("there is none at this URL"),
                error => error,
            }));
        }
        let Ok(body) = (self.parse)(&response.body) else {
            // A page for people: servers answer so on paths that they do not know.
            return Ok(Err(malformed("it is not JSON")));
        };
        let Some(issuer) = body.string("issuer") else {
            return Ok(Err(malformed("it names no issuer")));
        };
        if issuer != self.issuer {
            return Err(Error::IssuerMismatch(Box::new(IssuerMismatch {
                expected: self.issuer.clone(),
                found: printable(issuer),
            })));
        }
        let https = Endpoint::parse(issuer)?.is_https();
        let mut endpoints = Endpoints::knowing_callback(&body);
        for name in Endpoints::NAMES {
            let Some(url) = body.string(&concat(&[name, "_endpoint"])) else { continue };
            let endpoint = Endpoint::parse(url)
                .ok()
                .filter(|endpoint| endpoint.is_https() || !https)
                .ok_or_else(|| malformed("it names an endpoint that is not https"))?;
            if let Some(slot) = endpoints.by_name(name) {
                *slot = Some(endpoint);
            }
        }
        Ok(Ok(endpoints))
    }
}

/// How long to wait before one of the two is asked for again, if that may give more.
fn pause(documents: &[Document; 2]) -> Option<Duration> {
    match documents {
        [Err(Error::Unavailable { .. }), Err(Error::Unavailable { .. })] => None,
        [Err(Error::Unavailable { retry_after, .. }), _]
        | [_, Err(Error::Unavailable { retry_after, .. })] => {
            let seconds = (*retry_after).clamp(PAUSE, LONGEST_PAUSE);
            Some(Duration::from_secs(seconds.into()))
        }
        _ => None,
    }
}

fn merged(documents: [Document; 2]) -> Document {
    match documents {
        [Ok(mut first), Ok(second)] => {
            first.fill_gaps(second);
            Ok(first)
        }
        [Ok(found), Err(_)] | [Err(_), Ok(found)] => Ok(found),
        [Err(_), Err(second @ Error::Unavailable { .. })] => Err(second),
        // That the other one is not there says nothing of a server that is out of order.
        [Err(first @ Error::Unavailable { .. }), Err(_)] => Err(first),
        [Err(_), Err(second)] => Err(second),
    }
}

impl Flow for Discover {
    type Output = Endpoints;

    fn step(&mut self, input: Input, now: Instant) -> Result<Action<Endpoints>, Error> {
        let (state, action) = match (std::mem::replace(&mut self.state, State::Ended), input) {
            (State::Start, Input::Tick) => (State::OAuth, Action::Send(self.oauth_request()?)),
            (State::OAuth, Input::Response(response)) => {
                let first = self.document(response)?;
                (State::OpenId { first }, Action::Send(self.openid_request()?))
            }
            (State::OpenId { first }, Input::Response(response)) => {
                let documents = [first, self.document(response)?];
                match pause(&documents) {
                    Some(pause) => {
                        let (documents, until) = (Box::new(documents), now + pause);
                        (State::Pause { documents, until }, Action::WaitUntil(until))
                    }
                    None => (State::Ended, Action::Done(merged(documents)?)),
                }
            }
            (State::Pause { documents, until }, Input::Tick) if now >= until => {
                let request = match &*documents {
                    [Err(Error::Unavailable { .. }), _] => self.oauth_request()?,
                    _ => self.openid_request()?,
                };
                (State::Again { documents }, Action::Send(request))
            }
            (State::Pause { documents, until }, Input::Tick) => {
                (State::Pause { documents, until }, Action::WaitUntil(until))
            }
            (State::Again { documents }, Input::Response(response)) => {
                let documents = match (*documents, response) {
                    // It stays out of order.
                    (documents, Err(_)) => documents,
                    ([Err(Error::Unavailable { .. }), second], response) => {
                        [self.document(response)?, second]
                    }
                    ([first, _], response) => [first, self.document(response)?],
                };
                (State::Ended, Action::Done(merged(documents)?))
            }
            (state @ (State::OAuth | State::OpenId { .. } | State::Again { .. }), Input::Tick) => {
                (state, Action::AwaitResponse)
            }
            (State::Ended, _) => return Err(Error::Finished),
            (state @ (State::Start | State::Pause { .. }), Input::Response(_)) => {
                self.state = state;
                return Err(Error::UnexpectedResponse);
            }
        };
        self.state = state;
        Ok(action)
    }
}
