use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use astropass_core::{
    AccessToken, Body, Dialect, Encoding, Error, Http, HttpError, HttpErrorKind, MemoryStore,
    Request, Response, Runtime, Session, Store,
};

use super::Bytes;
use crate::clock::VirtualClock;
use crate::machine::provider;
use crate::server::CANARY;

type Core = Session<Server, MemoryStore, VirtualClock>;

/// Two programs that share a store, a clock that can be stepped, and a server that rotates refresh
/// tokens, repeats its last answer, and can be made to answer anything.
///
/// Nothing waits for ever or asks again and again, only a logout deletes, only the server ends a
/// session, no token is served after its end, and when all is well again, so is the session.
pub fn session(data: &[u8]) {
    let mut world = World::new();
    let mut bytes = Bytes(data);
    for _ in 0..100 {
        if bytes.is_empty() {
            break;
        }
        world.step(&mut bytes);
    }
    world.heal();
}

struct World {
    server: Server,
    store: MemoryStore,
    clock: VirtualClock,
    programs: [Arc<Core>; 2],
    stepped: bool,
}

impl World {
    fn new() -> Self {
        let (server, store, clock) = <(Server, MemoryStore, VirtualClock)>::default();
        let program = || Arc::new(new_program(&server, &store, &clock));
        let programs = [program(), program()];
        let world = Self { programs, server, store, clock, stepped: false };
        world.log_in(0).unwrap();
        world
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        let signed_in = ready(self.store.load()).unwrap().is_some();
        let which = usize::from(bytes.next() % 2);
        let mut may_delete = false;
        match bytes.next() % 12 {
            0..=3 => drop(self.token(which)),
            4 => self.clock.pass(Duration::from_secs(bytes.next().into())),
            5 => self.clock.pass(Duration::from_secs(u64::from(bytes.next()) * 60)),
            6 => self.server.script(bytes),
            7 => {
                let rejected = self.token(which).map(|token| token.secret().clone());
                let refreshed = Arc::clone(&self.programs[which]).refresh(rejected.ok());
                let _ = ready(refreshed);
            }
            8 => {
                self.stepped = true;
                let seconds = i64::from(bytes.next()) * 1000;
                self.clock.step_wall(if bytes.next().is_multiple_of(2) {
                    seconds
                } else {
                    -seconds
                });
            }
            9 => {
                // Another program begins.
                self.programs[which] =
                    Arc::new(new_program(&self.server, &self.store, &self.clock));
            }
            10 => {
                may_delete = true;
                let _ = ready(self.programs[which].logout());
            }
            _ => drop(self.log_in(which)),
        }
        let requests = std::mem::take(&mut self.server.state().requests);
        // A login of five minutes polls every five seconds at most, and everything else asks twice.
        assert!(requests <= 70, "{requests} requests for one call");
        let still = ready(self.store.load()).unwrap().is_some();
        assert!(still || !signed_in || may_delete, "the session was deleted");
    }

    fn log_in(&self, which: usize) -> Result<(), Error> {
        let program = &self.programs[which];
        let grant = ready(program.authorize_device(|_| {}))?;
        ready(program.establish(grant)).map(drop)
    }

    fn token(&self, which: usize) -> Result<AccessToken, Error> {
        let program = &self.programs[which];
        let token = match ready(program.fresh()) {
            Ok(Some(token)) => Ok(token),
            Ok(None) => ready(Arc::clone(program).refresh(None)),
            Err(error) => Err(error),
        };
        let state = self.server.state();
        match &token {
            Ok(token) if !self.stepped && !state.is_wild => {
                let issued = state.issued(token);
                let age = self.clock.now().since(issued).as_secs();
                assert!(age <= LIFETIME, "a token is served {age} s after it was issued");
            }
            Err(Error::SessionOver(_)) => {
                assert!(state.ended || state.is_wild, "the session was ended here");
            }
            _ => {}
        }
        token
    }

    /// The server is well again, and time has passed.
    fn heal(mut self) {
        self.server.state().script.clear();
        self.clock.pass(Duration::from_secs(LIFETIME + 60));
        let state = self.server.state();
        let (ended, is_wild) = (state.ended, state.is_wild);
        drop(state);
        let signed_in = ready(self.store.load()).unwrap().is_some();
        self.programs[1] = Arc::new(new_program(&self.server, &self.store, &self.clock));
        for which in [0, 1] {
            let token = self.token(which);
            if !is_wild && signed_in && !ended {
                assert!(token.is_ok(), "the session is lost: {token:?}");
            } else if !signed_in {
                assert!(token.is_err(), "signed out, and a token is given");
            }
        }
    }
}

fn new_program(server: &Server, store: &MemoryStore, clock: &VirtualClock) -> Core {
    // It names its users, so that a second login is known to be the same one's.
    let mut provider = provider(Dialect::WorkOs(Encoding::Form));
    provider.endpoints.userinfo = None;
    server.state().clock = Some(clock.clone());
    Session::new(provider, server.clone(), store.clone(), clock.clone())
}

/// What a future gives that waits for nothing but the virtual clock.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).as_mut().poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for ever"),
    }
}

/// Seconds that an access token is valid for.
const LIFETIME: u64 = 3600;

#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The numbers of the refresh token that is valid and of the one before, for each login.
    grants: Vec<(usize, Option<usize>)>,
    /// Whether it has ever ended a session.
    ended: bool,
    /// What happens to the next requests.
    script: Vec<Next>,
    /// Whether it has said what no server of its kind would.
    is_wild: bool,
    requests: usize,
    /// When each access token was issued.
    times: Vec<astropass_core::Instant>,
    clock: Option<VirtualClock>,
}

enum Next {
    NotSent(HttpErrorKind),
    Lost(HttpErrorKind),
    Answer(u16, Vec<u8>),
    Slow(Duration),
    End,
}

impl State {
    fn issued(&self, token: &AccessToken) -> astropass_core::Instant {
        let number: usize = token.expose_secret().rsplit('-').next().unwrap().parse().unwrap();
        self.times[number]
    }

    fn end(&mut self) {
        self.ended = true;
        self.grants.clear();
    }

    /// Tokens with a number that no others have.
    fn new_tokens(&mut self) -> (usize, Response) {
        let number = self.times.len();
        (number, self.tokens(number))
    }

    fn tokens(&mut self, number: usize) -> Response {
        let now = self.clock.as_ref().unwrap().now();
        self.times.resize(self.times.len().max(number + 1), now);
        // An answer that is repeated is as good as new.
        self.times[number] = now;
        let body = format!(
            r#"{{"access_token":"access-{CANARY}-{number}",
            "refresh_token":"refresh-{CANARY}-{number}",
            "expires_in":{LIFETIME},"user":{{"id":"user_1","email":"ada@example.com"}}}}"#
        );
        response(200, body.into_bytes())
    }
}

impl Server {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// What happens to the next requests, as the bytes say.
    fn script(&self, bytes: &mut Bytes<'_>) {
        use HttpErrorKind::{Certificate, Connect, Interrupted, Timeout, TooLarge};
        let mut state = self.state();
        for _ in 0..=bytes.next() % 4 {
            let next = match bytes.next() % 8 {
                0 => Next::NotSent(bytes.choose(&[Connect, Certificate, Timeout, Interrupted])),
                1 | 2 => Next::Lost(bytes.choose(&[Timeout, Interrupted, TooLarge])),
                3 => Next::Answer(bytes.choose(&[429, 500, 503]), Vec::new()),
                4 => Next::Answer(bytes.choose(&[200, 302, 403]), b"<html>".to_vec()),
                5 => Next::Slow(Duration::from_secs(bytes.next().into())),
                6 => Next::End,
                _ => {
                    state.is_wild = true;
                    let status = bytes.choose(&[200, 400, 401, 404]);
                    Next::Answer(status, bytes.until_zero().to_vec())
                }
            };
            state.script.insert(0, next);
        }
    }

    fn act(&self, request: &Request) -> Response {
        let mut state = self.state();
        let sent = match &request.body {
            Body::Form(form) => form.expose_secret().to_owned(),
            _ => String::new(),
        };
        match request.endpoint.path() {
            "/device" => response(
                200,
                br#"{"device_code":"d","user_code":"A","verification_uri":"https://op.example/",
                "expires_in":300}"#
                    .to_vec(),
            ),
            "/token" if sent.contains("refresh_token=") => {
                let is =
                    |number| sent.contains(&format!("refresh_token=refresh-{CANARY}-{number}&"));
                let known = state
                    .grants
                    .iter()
                    .position(|(current, before)| is(*current) || before.is_some_and(is));
                let Some(grant) = known else {
                    state.ended = true;
                    return response(400, br#"{"error":"invalid_grant"}"#.to_vec());
                };
                let (current, _) = state.grants[grant];
                if !is(current) {
                    return state.tokens(current);
                }
                let (number, tokens) = state.new_tokens();
                state.grants[grant] = (number, Some(current));
                tokens
            }
            "/token" => {
                let (number, tokens) = state.new_tokens();
                state.grants.push((number, None));
                tokens
            }
            _ => response(200, Vec::new()),
        }
    }
}

impl Http for Server {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let (next, clock) = {
            let mut state = self.state();
            state.requests += 1;
            (state.script.pop(), state.clock.clone().unwrap())
        };
        let failed = |kind| {
            if kind == HttpErrorKind::Timeout {
                clock.pass(request.timeout);
            }
            Err(HttpError { kind, detail: String::new() })
        };
        match next {
            Some(Next::NotSent(kind)) => return failed(kind),
            Some(Next::Lost(kind)) => {
                let _ = self.act(&request);
                return failed(kind);
            }
            Some(Next::Answer(status, body)) => return Ok(response(status, body)),
            Some(Next::Slow(time)) => clock.pass(time.min(request.timeout)),
            Some(Next::End) => self.state().end(),
            None => {}
        }
        Ok(self.act(&request))
    }
}

fn response(status: u16, body: Vec<u8>) -> Response {
    Response { status, headers: Vec::new(), date: None, retry_after: 0, body: body.into() }
}
