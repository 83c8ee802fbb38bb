//! What holds for every machine, whatever it is told and whenever.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by a panic, in its helpers too"
)]

#[path = "machines/endpoints.rs"]
mod endpoints;
#[path = "machines/replies.rs"]
mod replies;
#[path = "machines/values.rs"]
mod values;

use astropass_core::Dialect;
use astropass_tests::machine::{DIALECTS, Driver, Event, KINDS, Kind, machine};
use proptest::prelude::*;

use replies::{events, noise};

fn kinds() -> impl Strategy<Value = (Kind, Dialect)> {
    (prop::sample::select(&KINDS[..]), prop::sample::select(&DIALECTS[..]))
}

/// A failure prints its smallest input; nothing is written beside the sources.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(500))]

    /// See [`Driver`] for what is checked at each step.
    #[test]
    fn the_contract_holds_for_any_sequence(
        kind in kinds(),
        events in prop::collection::vec(events(), 0..60),
    ) {
        let Some(machine) = machine(kind.0, kind.1) else { return Ok(()) };
        let mut driver = Driver::new(machine);
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
        let mut driver = Driver::new(machine(Kind::Device, dialect).unwrap());
        driver.take(Event::Tick);
        driver.take(start);
        for event in events {
            driver.take(event);
        }
    }

    #[test]
    fn no_bytes_make_a_machine_panic(kind in kinds(), replies in prop::collection::vec(noise(), 1..6)) {
        let Some(machine) = machine(kind.0, kind.1) else { return Ok(()) };
        let mut driver = Driver::new(machine);
        for reply in replies {
            driver.take(Event::Tick);
            driver.take(reply);
        }
    }
}

#[test]
fn each_machine_can_reach_its_end() {
    use astropass_tests::machine::{
        AUTH_CONFIG, AUTH_METHODS, LOOKED_UP, MORE_WORKSPACES, ORGANIZATION, ORGANIZATIONS, Reply,
        SELF, Said, TOKEN, WORKSPACES,
    };
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
        let mut driver = Driver::new(machine(kind, Dialect::Standard).unwrap());
        for reply in replies {
            driver.take(Event::Tick);
            driver.take(Event::Pass(6000));
            driver.take(Event::Tick);
            driver.take(Event::Reply(Said::plain(reply.clone())));
        }
        assert!(driver.is_done(), "{kind:?}");
    }
}
