//! Sign in from a Rust program, and stay signed in.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use astropass::{Endpoint, Encoding, Error, Provider, Session};
//!
//! let workos = Endpoint::parse("https://api.workos.com")?;
//! let session = Session::builder()
//!     .provider(Provider::workos(&workos, "client_…", Encoding::Json)?)
//!     .server(Endpoint::parse("https://api.example.com")?)
//!     .build()?;
//! if let Err(Error::NotSignedIn | Error::SessionOver(_)) = session.token().await {
//!     session.login(|prompt| println!("{} at {}", prompt.user_code, prompt.verification_uri)).await?;
//! }
//! let me = session.send(http::Request::get("/api/v1/me").body(Vec::new())?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The tokens are in the system's keyring, or where there is none in `~/.astro/credentials.json`,
//! which all processes of the user share: one of them refreshes, and all have the new token.
//!
//! The rules are in [`astropass_core`]; this crate holds the adapters: reqwest, the keyring, the
//! file and its locks.

mod builder;
pub mod diagnose;
mod http;
mod json;
mod loopback;
mod profile;
mod runtime;
mod session;
mod store;

use std::path::PathBuf;

use astropass_core::flow::astro::{AuthConfig, OrganizationLookup};
use astropass_core::flow::houston::Houston;
use astropass_core::flow::{Discover, Flow};

pub use astropass_core::flow::Prompt;
pub use astropass_core::flow::astro::LoginServer;
pub use astropass_core::flow::houston::LoginMethods;
pub use astropass_core::wire;
pub use astropass_core::{
    AccessToken, Body, Cleared, Credentials, Dialect, Domain, Encoding, Endpoint, Endpoints, Error,
    Event, Freshness, HttpError, HttpErrorKind, Identity, InvalidDomain, InvalidUrl, Named,
    Provider, Request, Response, Secret, ServerError, SignedOut, StoreError, System, Timestamp,
    User, is_unprintable, printable,
};

pub use self::builder::Builder;
pub use self::http::{HttpFuture, ReqwestHttp, SendHttp};
pub use self::json::parse_json;
pub use self::loopback::{InvalidRedirectUri, RedirectUri};
pub use self::profile::{Account, Home, Profile};
pub use self::session::{BrowserLogin, BrowserPrompt, Session, Workspaces};
pub use self::store::{
    Items, Keyring, Notice, ProfileStore, Prompt as KeyringPrompt, StoreChoice, StoreKind,
};

/// Finds the endpoints of the provider `issuer` (RFC 8414 and OpenID Connect Discovery).
///
/// `ca_file` is a PEM file of certificates to trust besides the platform's.
///
/// # Errors
/// [`Error::IssuerMismatch`] unless the server calls itself exactly `issuer`; [`Error::Http`] and
/// what else a server can do wrong.
pub async fn discover(issuer: &str, ca_file: Option<PathBuf>) -> Result<Endpoints, Error> {
    run(Discover::new(issuer, parse_json), ca_file).await
}

/// Asks the `api` of an Astro cloud where its users sign in; see [`Domain::api`].
///
/// # Errors
/// [`Error::Http`] and what else a server can do wrong.
pub async fn login_server(api: &Endpoint, ca_file: Option<PathBuf>) -> Result<LoginServer, Error> {
    run(AuthConfig::new(api, parse_json), ca_file).await
}

/// Asks the `api` of an Astro cloud for the organization of the user with this `email`; `None` if
/// it knows of none.
///
/// # Errors
/// As [`login_server`].
pub async fn find_organization(
    api: &Endpoint,
    email: &str,
    ca_file: Option<PathBuf>,
) -> Result<Option<String>, Error> {
    run(OrganizationLookup::new(api, email, parse_json), ca_file).await
}

/// Asks the `houston` of an Astronomer Software how its users sign in; see [`Domain::api`].
///
/// # Errors
/// As [`login_server`].
pub async fn login_methods(
    houston: &Endpoint,
    ca_file: Option<PathBuf>,
) -> Result<LoginMethods, Error> {
    run(Houston::auth_config(houston, parse_json), ca_file).await
}

async fn run<F: Flow>(flow: F, ca_file: Option<PathBuf>) -> Result<F::Output, Error> {
    let http = http::AnyHttp(std::sync::Arc::new(ReqwestHttp::with_ca_file(ca_file)));
    astropass_core::run(flow, &http, &runtime::SystemRuntime::new()).await
}
