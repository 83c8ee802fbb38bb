//! An authorization server for tests and demonstrations.
//!
//! [`State`] is the server without sockets or clock: a request and a time go in, an answer comes
//! out. [`Server`] puts it on a loopback port, in a thread of its own, so that tests with and
//! without a runtime use it alike:
//!
//! ```
//! use astropass_tests::server::{Approval, Options, Server};
//!
//! let server = Server::start(Options { interval: None, ..Options::default() })?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.approve("BCDF-GHJK", &Approval::default()).is_err(), "nobody has this code");
//! # Ok::<(), std::io::Error>(())
//! ```

mod admin;
mod api;
mod authorization;
mod consent;
mod cors;
mod device;
mod fault;
mod handle;
mod issue;
mod journal;
mod listener;
mod metadata;
mod options;
mod page;
mod params;
mod reply;
mod revoke;
mod route;
mod state;
mod tls;
mod token;
mod token_endpoint;
mod userinfo;

pub use device::Undecidable;
pub use fault::{BadFault, Fault, On, Target, What, parse_seconds};
pub use handle::Server;
pub use journal::{Event, Stats};
pub use options::{
    Approval, Bodies, Client, Cors, Options, Organization, Overrides, Project, Rotation, User,
};
pub use route::{Dialect, Endpoint};
pub use state::{Answer, Delivery, State};
pub use tls::{PrivateCa, Tls};
pub use token::{CANARY, CryptoFailed};

/// RFC 6749 section 4.1.3.
const CODE_GRANT: &str = "authorization_code";
/// RFC 8628 section 3.4.
const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
