//! What holds for every machine, whatever it is told and whenever.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by a panic, in its helpers too"
)]

#[path = "machines/driver.rs"]
mod driver;
#[path = "machines/endpoints.rs"]
mod endpoints;
#[path = "machines/replies.rs"]
mod replies;
#[path = "machines/values.rs"]
mod values;

use astropass_core::flow::astro::{Account, AuthConfig, OrganizationLookup};
use astropass_core::flow::houston::Houston;
use astropass_core::flow::{
    Code, Device, Discover, PastedToken, Pending, Refresh, Revoke, Userinfo,
};
use astropass_core::{
    Credentials, Dialect, Encoding, Endpoint, Endpoints, Grant, Provider, Secret, Timestamp,
};
use proptest::prelude::*;

use driver::{Driver, Machine};
use replies::{CANARY, Event, events, noise};

/// The machines, each of them for each dialect.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Device,
    Refresh,
    Revoke,
    Userinfo,
    Discover,
    Code,
    PastedToken,
    AuthConfig,
    OrganizationLookup,
    Account,
    HoustonAuthConfig,
    HoustonCreateToken,
    HoustonWorkspaces,
}

fn kinds() -> impl Strategy<Value = (Kind, Dialect)> {
    (prop::sample::select(&KINDS[..]), prop::sample::select(&DIALECTS[..]))
}

/// A failure prints its smallest input; nothing is written beside the sources.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const KINDS: [Kind; 13] = [
    Kind::Device,
    Kind::Refresh,
    Kind::Revoke,
    Kind::Userinfo,
    Kind::Discover,
    Kind::Code,
    Kind::PastedToken,
    Kind::AuthConfig,
    Kind::OrganizationLookup,
    Kind::Account,
    Kind::HoustonAuthConfig,
    Kind::HoustonCreateToken,
    Kind::HoustonWorkspaces,
];
const DIALECTS: [Dialect; 5] = [
    Dialect::Standard,
    Dialect::WorkOs(Encoding::Json),
    Dialect::WorkOs(Encoding::Form),
    Dialect::Astro,
    Dialect::Software,
];

fn provider(dialect: Dialect) -> Provider {
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

fn grant() -> Grant {
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

fn machine((kind, dialect): (Kind, Dialect)) -> Box<dyn Machine> {
    let provider = provider(dialect);
    let parse = astropass::parse_json;
    let Grant { access_token, refresh_token, .. } = grant();
    match kind {
        Kind::Device => Box::new(Device::new(provider, parse)),
        Kind::Refresh => Box::new(Refresh::new(provider, refresh_token.unwrap(), None, parse)),
        Kind::Revoke => {
            let now = Timestamp::from_unix(0);
            let credentials = Credentials::new(&provider.issuer, &provider.client_id, grant(), now);
            Box::new(Revoke::new(&provider, &credentials, parse).unwrap().unwrap())
        }
        Kind::Userinfo => Box::new(Userinfo::new(provider, access_token, None, parse)),
        Kind::Discover => Box::new(Discover::new(&provider.issuer, parse)),
        Kind::Code => Box::new(code(provider)),
        Kind::PastedToken => Box::new(PastedToken::new(provider, access_token, parse)),
        Kind::AuthConfig => Box::new(AuthConfig::new(&api(), parse)),
        Kind::OrganizationLookup => {
            Box::new(OrganizationLookup::new(&api(), "ada@example.com", parse))
        }
        Kind::Account => {
            Box::new(Account::new(&api(), access_token, Some("org_1".to_owned()), parse))
        }
        Kind::HoustonAuthConfig => Box::new(Houston::auth_config(&api(), parse)),
        Kind::HoustonCreateToken => {
            let password = Secret::new(format!("{CANARY}-password"));
            Box::new(Houston::create_token(&api(), "ada@example.com", password, parse))
        }
        Kind::HoustonWorkspaces => Box::new(Houston::workspaces(&api(), access_token, parse)),
    }
}

fn api() -> Endpoint {
    Endpoint::parse("https://api.example").unwrap()
}

/// Begun, and answered by the browser.
fn code(provider: Provider) -> Code {
    let (redirect_uri, now) = ("http://127.0.0.1:1/callback", Timestamp::from_unix(0));
    let begun = Pending::begin(provider, redirect_uri, &[], &[7; 48].into(), now);
    let (url, pending) = begun.unwrap();
    let (_, query) = url.as_str().split_once('?').unwrap();
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let (_, state) = fields.find(|(name, _)| name == "state").unwrap();
    let answer = format!("code={CANARY}-code&state={state}&iss=https://op.example");
    pending.finish(&format!("{redirect_uri}?{answer}"), now, astropass::parse_json).unwrap()
}

proptest! {
    #![proptest_config(cases(500))]

    /// See [`Driver`] for what is checked at each step.
    #[test]
    fn the_contract_holds_for_any_sequence(
        kind in kinds(),
        events in prop::collection::vec(events(), 0..60),
    ) {
        let mut driver = Driver::new(machine(kind));
        for event in events {
            driver.take(event);
        }
    }

    /// The device flow, led past its start so that most steps are polls.
    #[test]
    fn a_login_never_polls_too_soon_or_too_late(
        dialect in prop::sample::select(&DIALECTS[..]),
        start in replies::start(),
        events in prop::collection::vec(replies::poll_events(), 0..200),
    ) {
        let mut driver = Driver::new(machine((Kind::Device, dialect)));
        driver.take(Event::Tick);
        driver.take(start);
        for event in events {
            driver.take(event);
        }
    }

    #[test]
    fn no_bytes_make_a_machine_panic(kind in kinds(), replies in prop::collection::vec(noise(), 1..6)) {
        let mut driver = Driver::new(machine(kind));
        for reply in replies {
            driver.take(Event::Tick);
            driver.take(reply);
        }
    }
}

#[test]
fn each_machine_can_reach_its_end() {
    use replies::{AUTH_CONFIG, AUTH_METHODS, MORE_WORKSPACES, ORGANIZATION, ORGANIZATIONS, TOKEN};
    use replies::{LOOKED_UP, SELF, WORKSPACES};
    use replies::{Reply, Said};
    let said = |body: &str| Reply::Json(200, body.to_owned());
    let answers: [(Kind, &[Reply]); 15] = [
        (Kind::Device, &[Reply::Start { interval: Some(5), expires_in: 300 }, Reply::Tokens]),
        (Kind::Refresh, &[Reply::Tokens]),
        (Kind::Revoke, &[Reply::Tokens]),
        (Kind::Userinfo, &[Reply::User]),
        (Kind::Discover, &[Reply::Metadata, Reply::Metadata]),
        (Kind::Code, &[Reply::Tokens]),
        (Kind::PastedToken, &[Reply::User]),
        (Kind::AuthConfig, &[said(AUTH_CONFIG)]),
        (Kind::AuthConfig, &[Reply::Page(404), said(AUTH_CONFIG)]),
        (Kind::OrganizationLookup, &[said(LOOKED_UP)]),
        (Kind::Account, &[said(SELF), said(ORGANIZATION), said(MORE_WORKSPACES), said(WORKSPACES)]),
        (Kind::Account, &[said(SELF), Reply::Page(403), said(ORGANIZATIONS), said(WORKSPACES)]),
        (Kind::HoustonAuthConfig, &[said(AUTH_METHODS)]),
        (Kind::HoustonCreateToken, &[said(TOKEN)]),
        (Kind::HoustonWorkspaces, &[said(WORKSPACES)]),
    ];
    for (kind, replies) in answers {
        let mut driver = Driver::new(machine((kind, Dialect::Standard)));
        for reply in replies {
            driver.take(Event::Tick);
            driver.take(Event::Pass(6000));
            driver.take(Event::Tick);
            driver.take(Event::Reply(Said::plain(reply.clone())));
        }
        assert!(driver.is_done(), "{kind:?}");
    }
}
