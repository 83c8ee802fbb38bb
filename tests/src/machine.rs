//! Every machine of core, and what holds for all of them whatever happens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test uses fails as a test does"
)]

mod driver;
mod said;

use astropass_core::flow::astro::{Account, AuthConfig, OrganizationLookup};
use astropass_core::flow::houston::Houston;
use astropass_core::flow::{
    Code, Device, Discover, Entropy, PastedToken, Pending, Refresh, Revoke, Userinfo,
};
use astropass_core::{
    Credentials, Dialect, Encoding, Endpoint, Endpoints, Grant, Provider, Secret, Timestamp,
};

pub use self::driver::{Driver, Machine};
pub use self::said::*;

/// The machines, each of them for each dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are named after what they make")]
pub enum Kind {
    Device,
    Code,
    Refresh,
    Revoke,
    Userinfo,
    Discover,
    PastedToken,
    AuthConfig,
    OrganizationLookup,
    Account,
    HoustonAuthConfig,
    HoustonCreateToken,
    HoustonWorkspaces,
}

/// All of them.
pub const KINDS: [Kind; 13] = [
    Kind::Device,
    Kind::Code,
    Kind::Refresh,
    Kind::Revoke,
    Kind::Userinfo,
    Kind::Discover,
    Kind::PastedToken,
    Kind::AuthConfig,
    Kind::OrganizationLookup,
    Kind::Account,
    Kind::HoustonAuthConfig,
    Kind::HoustonCreateToken,
    Kind::HoustonWorkspaces,
];

/// All of them.
pub const DIALECTS: [Dialect; 5] = [
    Dialect::Standard,
    Dialect::WorkOs(Encoding::Json),
    Dialect::WorkOs(Encoding::Form),
    Dialect::Astro,
    Dialect::Software,
];

/// A provider with every endpoint.
#[must_use]
pub fn provider(dialect: Dialect) -> Provider {
    let endpoint = |path| Some(Endpoint::parse(&format!("https://op.example/{path}")).unwrap());
    Provider {
        issuer: "https://op.example".to_owned(),
        client_id: "cli".to_owned(),
        scopes: vec!["openid".to_owned()],
        endpoints: Endpoints {
            authorization: endpoint("authorize"),
            device_authorization: endpoint("device"),
            token: endpoint("token"),
            revocation: endpoint("revoke"),
            userinfo: endpoint("me"),
            issuer_in_callback: true,
        },
        dialect,
    }
}

/// What an earlier login gave.
#[must_use]
pub fn grant() -> Grant {
    Grant {
        // {"sid":"s"} for WorkOS's sign-out.
        access_token: Secret::new(format!("{CANARY}.eyJzaWQiOiJzIn0.x")),
        refresh_token: Some(Secret::new(format!("{CANARY}-refresh"))),
        lifetime: Some(300),
        subject: None,
        organization: None,
        user: None,
    }
}

/// A new machine at a provider with every endpoint; `None` where the dialect has none of that kind.
#[must_use]
pub fn machine(kind: Kind, dialect: Dialect) -> Option<Box<dyn Machine>> {
    machine_at(kind, provider(dialect))
}

/// A new machine; `None` where `provider` has none of that kind.
#[must_use]
pub fn machine_at(kind: Kind, provider: Provider) -> Option<Box<dyn Machine>> {
    let parse = astropass::parse_json;
    let Grant { access_token, refresh_token, .. } = grant();
    let api = Endpoint::parse("https://api.op.example").unwrap();
    let houston = Endpoint::parse("https://houston.op.example/v1").unwrap();
    Some(match kind {
        Kind::Device => Box::new(Device::new(provider, parse)),
        Kind::Code => Box::new(code(provider)?),
        Kind::Refresh => Box::new(Refresh::new(provider, refresh_token.unwrap(), None, parse)),
        Kind::Revoke => {
            let now = Timestamp::from_unix(0);
            let credentials = Credentials::new(&provider.issuer, &provider.client_id, grant(), now);
            Box::new(Revoke::new(&provider, &credentials, parse).unwrap()?)
        }
        Kind::Userinfo => Box::new(Userinfo::new(provider, access_token, None, parse)),
        Kind::Discover => Box::new(Discover::new(&provider.issuer, parse)),
        Kind::PastedToken => Box::new(PastedToken::new(provider, access_token, parse)),
        Kind::AuthConfig => Box::new(AuthConfig::new(&api, parse)),
        Kind::OrganizationLookup => Box::new(OrganizationLookup::new(&api, "a@b.example", parse)),
        Kind::Account => {
            Box::new(Account::new(&api, access_token, Some("org_1".to_owned()), parse))
        }
        Kind::HoustonAuthConfig => Box::new(Houston::auth_config(&houston, parse)),
        Kind::HoustonCreateToken => {
            let password = Secret::new(format!("{CANARY}-password"));
            Box::new(Houston::create_token(&houston, "ada", password, parse))
        }
        Kind::HoustonWorkspaces => Box::new(Houston::workspaces(&houston, access_token, parse)),
    })
}

/// The machine of a login whose browser came back; `None` where there is nothing to open in one.
fn code(provider: Provider) -> Option<Code> {
    provider.endpoints.authorization.as_ref()?;
    let now = Timestamp::from_unix(0);
    let redirect_uri = "http://127.0.0.1:8000/callback";
    let entropy = Entropy::new([7; 48]);
    let issuer = provider.issuer.clone();
    let (url, pending) = Pending::begin(provider, redirect_uri, &[], &entropy, now).unwrap();
    let state = url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap();
    let callback = format!("{redirect_uri}?code={CANARY}-code&state={state}&iss={issuer}");
    Some(pending.finish(&callback, now, astropass::parse_json).unwrap())
}
