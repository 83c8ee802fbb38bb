//! The rules of signing in and staying signed in, for every platform.
//!
//! This crate has no I/O, clock, randomness or JSON text of its own. It holds
//!
//! - the **machines** ([`flow`]): discovery (RFC 8414), the device flow (RFC 8628), the
//!   authorization code with PKCE (RFC 7636), refresh (RFC 6749 §6), revocation (RFC 7009),
//!   userinfo, a token that was pasted, and what Astro cloud and Astronomer Software have of their
//!   own, each driven by inputs and virtual time;
//! - the **[`Session`]**: the one loop that drives them, and the rules by which a session is
//!   refreshed once, saved before it is seen, and ended only by its server or its user;
//! - the **traits** a platform implements: [`Http`], [`Store`] and [`Runtime`].
//!
//! The crate `astropass` is the native platform; most programs want that one.

mod base64url;
mod credentials;
mod endpoint;
mod error;
pub mod flow;
mod http;
mod jwt;
mod named;
mod provider;
mod runtime;
mod secret;
mod session;
mod store;
mod time;
pub mod wire;

pub use credentials::{AccessToken, Credentials, Freshness, Grant, Identity, Stored, User};
pub use endpoint::{Endpoint, InvalidUrl};
pub use error::{Error, IssuerMismatch, MalformedResponse, ServerError, is_unprintable, printable};
pub use http::{Body, Http, HttpError, HttpErrorKind, Request, Response};
pub use named::Named;
pub use provider::{
    ASTRO_REDIRECT_URI, Dialect, Domain, Encoding, Endpoints, InvalidDomain, Provider, System,
};
pub use runtime::{Event, Runtime};
pub use secret::Secret;
pub use session::{LOCK_WAIT, Session, SignedOut, discover, run};
pub use store::{Cleared, MemoryGuard, MemoryStore, Revision, Store, StoreError, is_profile_name};
pub use time::{Instant, Timestamp};
