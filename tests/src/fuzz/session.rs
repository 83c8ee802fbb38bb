mod server;

use std::sync::Arc;
use std::time::Duration;

use astropass_core::{AccessToken, Dialect, Encoding, Error, MemoryStore, Runtime, Session, Store};

use self::server::{LIFETIME, Server};
use super::Bytes;
use crate::clock::{VirtualClock, ready};
use crate::machine::provider;

type Core = Session<Server, MemoryStore, VirtualClock>;

/// Two programs that share a store, a clock that can be stepped, and a server of any dialect that
/// rotates refresh tokens, repeats its last answer, and can be made to answer anything.
///
/// Nothing waits for ever or asks again and again, only a logout deletes, only the server ends a
/// session, no token is served after its end, and when all is well again, so is the session.
pub fn session(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut world = World::new(bytes.choose(&REFRESHED));
    for _ in 0..100 {
        if bytes.is_empty() {
            break;
        }
        world.step(&mut bytes);
    }
    world.heal();
}

/// Those whose sessions can be refreshed.
const REFRESHED: [Dialect; 4] = [
    Dialect::WorkOs(Encoding::Form),
    Dialect::WorkOs(Encoding::Json),
    Dialect::Standard,
    Dialect::Astro,
];

struct World {
    dialect: Dialect,
    server: Server,
    store: MemoryStore,
    clock: VirtualClock,
    programs: [Arc<Core>; 2],
    stepped: bool,
}

impl World {
    fn new(dialect: Dialect) -> Self {
        let (server, store, clock) = <(Server, MemoryStore, VirtualClock)>::default();
        let program = || Arc::new(new_program(dialect, &server, &store, &clock));
        let programs = [program(), program()];
        let world = Self { dialect, programs, server, store, clock, stepped: false };
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
                self.programs[which] = self.new_program();
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

    fn new_program(&self) -> Arc<Core> {
        Arc::new(new_program(self.dialect, &self.server, &self.store, &self.clock))
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
        self.programs[1] = self.new_program();
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

fn new_program(
    dialect: Dialect,
    server: &Server,
    store: &MemoryStore,
    clock: &VirtualClock,
) -> Core {
    // It names its users, so that a second login is known to be the same one's.
    let mut provider = provider(dialect);
    provider.endpoints.userinfo = None;
    server.state().clock = Some(clock.clone());
    Session::new(provider, server.clone(), store.clone(), clock.clone())
}
