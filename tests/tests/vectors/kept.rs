//! A session through `hostile.json`: whatever a server answers, nothing stored is lost.

#![allow(
    clippy::unwrap_used,
    clippy::arc_with_non_send_sync,
    reason = "a test fails by a panic, and this one has one thread"
)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use astropass_core::flow::Entropy;
use astropass_core::{
    Credentials, Dialect, Grant, Http, HttpError, MemoryStore, Provider, Request, Response, Secret,
    Session, Store, Timestamp,
};
use astropass_tests::clock::{BEGIN, VirtualClock, ready};

use super::contract::ensure;
use super::hostile::{self, Answering, Case, Hostile};

#[test]
fn a_session_is_kept_through_hostile_answers() {
    let file = std::fs::read(super::folder().join("hostile.json")).unwrap();
    let file = hostile::read(&astropass::parse_json(&file).unwrap());
    let (mut run, mut failures) = (0, Vec::new());
    for case in hostile::cases(&file).unwrap() {
        let Hostile::Answer { status, body } = &case.hostile else { continue };
        for way in ways(&case) {
            run += 1;
            let mut hostile = |_: &Request| Ok(hostile::response(*status, body));
            if let Err(failure) = way.keeps(&case, &mut hostile) {
                failures.push(format!("{} ({way:?}): {failure}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(run > 3000, "{run}");
}

/// A part of each token, stored or answered.
const CANARY: &str = "Y2FuYXJ5";

/// What is done beside a stored session, or with it, when the answer comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    LoginByDevice,
    LoginByCode,
    LoginByPastedToken,
    /// A login whose user is asked for.
    LoginOfSomebody,
    /// The access token has expired.
    Refresh,
    /// An API has answered 401 to it.
    RefreshRejected,
    SwitchOrganization,
    Logout,
}

/// What asks for the answer of `case` in a session.
pub(crate) fn ways(case: &Case<'_>) -> Vec<Way> {
    let provider = case.provider.and_then(Provider::from_value).unwrap();
    match (case.endpoint.string("machine"), provider.dialect) {
        (Some("device"), _) => vec![Way::LoginByDevice],
        (Some("code"), _) => vec![Way::LoginByCode],
        (Some("pasted_token"), _) => vec![Way::LoginByPastedToken],
        (Some("userinfo"), _) => vec![Way::LoginOfSomebody],
        (Some("refresh"), Dialect::WorkOs(_)) => {
            vec![Way::Refresh, Way::RefreshRejected, Way::SwitchOrganization]
        }
        (Some("refresh"), _) => vec![Way::Refresh, Way::RefreshRejected],
        (Some("revoke"), _) => vec![Way::Logout],
        _ => Vec::new(),
    }
}

type Core<'a> = Session<Scripted<'a>, MemoryStore, VirtualClock>;

impl Way {
    /// Goes this way with a session that is stored, and gets the answer of `case`.
    pub(crate) fn keeps(self, case: &Case<'_>, hostile: &mut Answering<'_>) -> Result<(), String> {
        let provider = case.provider.and_then(Provider::from_value).ok_or("no provider")?;
        let before = self.signed_in(&provider, case);
        let (store, clock) = (MemoryStore::new(), VirtualClock::default());
        let guard = ready(store.lock(Default::default())).unwrap();
        ready(store.save(&guard, None, &before)).unwrap();
        drop(guard);
        let mut answers = case.answers(|request| hostile(request));
        let http = Scripted::new(move |request| answers(request).unwrap().result);
        let program = || {
            let (http, store, clock) = (http.clone(), store.clone(), clock.clone());
            Arc::new(Session::new(provider.clone(), http, store, clock))
        };
        let session = program();
        let outcome = self.go(&session, case)?;
        let expected = match self {
            // A name is no reason to fail a login, but Astro has no users without an address.
            Self::LoginOfSomebody if provider.dialect != Dialect::Astro => "done",
            _ => &case.expected,
        };
        self.compare(&outcome, expected)?;
        let stored = ready(store.load()).unwrap();
        if self == Self::Logout {
            return ensure(stored.is_none(), "it is still signed in");
        }
        let (_, stored) = stored.ok_or("nothing is stored")?;
        // Where the answer was taken for a good one, that is what is stored.
        let is_new = outcome == "done" && !self.ends_before_it_is_stored()
            || self == Self::SwitchOrganization && case.expected == "done";
        ensure(is_new || stored.refresh_token == before.refresh_token, "the token was changed")?;
        // As soon as the server is well again, so is the session, here and in another program.
        http.heal();
        let mut programs = vec![program()];
        // One that was found to be another's is given up, until the next look at the store.
        if outcome != "session_changed" {
            programs.insert(0, session);
        }
        for session in programs {
            let token = match before.refresh_token {
                Some(_) => ready(session.refresh(Some(before.access_token.clone()))),
                None => {
                    ready(session.fresh()).map(|token| token.unwrap_or_else(|| before.access()))
                }
            };
            let token = token.map_err(|error| error.to_string())?;
            let is_right =
                token.expose_secret() == "access-Y2FuYXJ5-after" || before.refresh_token.is_none();
            ensure(is_new || is_right, "another token")?;
        }
        Ok(())
    }

    fn go(self, session: &Arc<Core<'_>>, case: &Case<'_>) -> Result<String, String> {
        let input = |name| case.endpoint.field("input").and_then(|input| input.string(name));
        let needed = |name| input(name).ok_or_else(|| format!("no {name}"));
        let token = |name| needed(name).map(|token| Secret::new(token.to_owned()));
        let ended = match self {
            Self::LoginByDevice => ready(session.authorize_device(|_| {})).map(drop),
            Self::LoginByCode => {
                // The entropy of the file, which its callback has the `state` of.
                let entropy = Entropy::new(std::array::from_fn(|byte| byte as u8));
                let begun = session.begin_code(needed("redirect_uri")?, &[], &entropy);
                let (_, pending) = begun.map_err(|error| error.to_string())?;
                ready(session.redeem(pending, needed("callback")?)).map(drop)
            }
            Self::LoginByPastedToken => {
                ready(session.accept_token(token("access_token")?)).map(drop)
            }
            Self::LoginOfSomebody => {
                let access_token = token("access_token")?;
                let refresh_token = Some(Secret::new("refresh-Y2FuYXJ5-new".to_owned()));
                let subject = input("subject").map(str::to_owned);
                let grant = Grant { access_token, refresh_token, subject, ..empty() };
                ready(session.establish(Box::new(grant))).map(drop)
            }
            Self::Refresh => ready(Arc::clone(session).refresh(None)).map(drop),
            Self::RefreshRejected => {
                let rejected = ready(session.fresh()).ok().flatten().ok_or("it is not fresh")?;
                ready(Arc::clone(session).refresh(Some(rejected.secret().clone()))).map(drop)
            }
            Self::SwitchOrganization => {
                ready(Arc::clone(session).switch_organization("org_02".to_owned())).map(drop)
            }
            Self::Logout => {
                let signed_out = ready(session.logout()).map_err(|error| error.to_string())?;
                signed_out.revoked.unwrap_or(Ok(()))
            }
        };
        let Err(error) = ended else { return Ok("done".to_owned()) };
        let printed = format!("{error} {error:?}");
        ensure(!printed.contains(CANARY), "it prints a secret")?;
        Ok(error.code().to_owned())
    }

    fn compare(self, outcome: &str, expected: &str) -> Result<(), String> {
        let is_right = match self {
            // It is for the organization before, or for one that nobody asked for.
            Self::SwitchOrganization if expected == "done" => {
                matches!(outcome, "malformed_response" | "session_changed")
            }
            _ => outcome == expected,
        };
        ensure(is_right, &format!("{outcome} in place of {expected}"))
    }

    /// Whether there is only a grant in the end, for the program to store or to drop.
    fn ends_before_it_is_stored(self) -> bool {
        matches!(self, Self::LoginByDevice | Self::LoginByCode | Self::LoginByPastedToken)
    }

    /// Signed in for an hour, in an organization where there are some.
    fn signed_in(self, provider: &Provider, case: &Case<'_>) -> Credentials {
        // Astronomer Software's tokens cannot be refreshed.
        let can_refresh = provider.dialect != Dialect::Software;
        let is_fresh =
            !can_refresh || matches!(self, Self::RefreshRejected | Self::SwitchOrganization);
        let refresh_token = case.endpoint.field("input").and_then(|it| it.string("refresh_token"));
        let refresh_token = refresh_token.unwrap_or("refresh-Y2FuYXJ5-before");
        let received_at = Timestamp::from_unix(if is_fresh { BEGIN - 60 } else { BEGIN - 7200 });
        let grant = Grant {
            refresh_token: can_refresh.then(|| Secret::new(refresh_token.to_owned())),
            lifetime: Some(3600),
            organization: (self == Self::SwitchOrganization).then(|| "org_01".to_owned()),
            ..empty()
        };
        Credentials::new(&provider.issuer, &provider.client_id, grant, received_at)
    }
}

/// An access token and nothing else.
fn empty() -> Grant {
    Grant {
        // {"sid":"session_01"} for WorkOS's sign-out.
        access_token: Secret::new("Y2FuYXJ5.eyJzaWQiOiJzZXNzaW9uXzAxIn0.b".to_owned()),
        refresh_token: None,
        lifetime: None,
        subject: None,
        organization: None,
        user: None,
    }
}

/// A server that follows a script until it is healed.
#[derive(Clone)]
struct Scripted<'a>(Rc<RefCell<Box<Script<'a>>>>);

type Script<'a> = dyn FnMut(&Request) -> Result<Response, HttpError> + 'a;

impl<'a> Scripted<'a> {
    fn new(script: impl FnMut(&Request) -> Result<Response, HttpError> + 'a) -> Self {
        Self(Rc::new(RefCell::new(Box::new(script))))
    }

    fn heal(&self) {
        let good = br#"{"access_token":"access-Y2FuYXJ5-after",
            "refresh_token":"refresh-Y2FuYXJ5-after"}"#;
        *self.0.borrow_mut() = Box::new(|_| hostile::response(200, good));
    }
}

impl Http for Scripted<'_> {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        (*self.0.borrow_mut())(&request)
    }
}
