//! What `ast` does to a session.

use std::fs;
use std::time::Duration;

use astropass_tests::ast::{Ast, Call};
use astropass_tests::server::Stats;
use serde_json::Value;

use crate::figures::Figures;
use crate::kept::Profile;
use crate::terminal::Terminal;
use crate::work::Work;

/// Seconds after which a token of the embedded server has expired.
const EXPIRED: i64 = 301;
/// The organization that the session is switched to.
const NAVY: &str = "org_navy";
/// How a request to the token endpoint begins.
const REQUEST: &str = "POST /user_management/authenticate ";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfAst {
    FirstLogin,
    Login,
    BrowserLogin,
    Refresh,
    Logout,
    Account,
    Profile,
}

pub(crate) struct Before {
    profile: Profile,
    other: Profile,
    current: Value,
    issued: usize,
    stats: Stats,
}

impl Work for OfAst {
    type Terminal = Terminal;
    type Before = Before;
    const ALL: &[Self] = &[
        Self::FirstLogin,
        Self::Login,
        Self::BrowserLogin,
        Self::Refresh,
        Self::Logout,
        Self::Account,
        Self::Profile,
    ];

    fn prepare(self, terminal: &Terminal) -> Before {
        let Terminal { world, kept, profile, other, .. } = terminal;
        terminal.sign_in(profile);
        match self {
            Self::FirstLogin => {
                [profile, other].into_iter().for_each(|profile| kept.sign_out(profile));
                fs::remove_dir_all(kept.folder()).unwrap();
            }
            Self::Refresh => terminal.age(EXPIRED),
            // From one organization to another.
            Self::Account => {
                terminal.ast("account use org_engines").run().ok();
            }
            // From one profile to another.
            Self::Profile => {
                terminal.sign_in(other);
                kept.home().set_current("ast", Some(other)).unwrap();
            }
            Self::Login | Self::BrowserLogin | Self::Logout => {}
        }
        Before {
            profile: kept.profile(profile),
            other: kept.profile(other),
            current: kept.current("ast"),
            issued: world.server.issued().len(),
            stats: world.server.stats(),
        }
    }

    fn command(self, terminal: &Terminal) -> Ast {
        match self {
            Self::FirstLogin | Self::Login => login(terminal, "--no-browser"),
            Self::BrowserLogin => {
                login(terminal, "--browser").env("BROWSER", terminal.browser.program())
            }
            Self::Refresh => terminal.ast("token").printing_a_token(),
            Self::Logout => terminal.ast("logout"),
            Self::Account => terminal.ast("account use").args([NAVY]),
            Self::Profile => terminal.ast("profile use").args([&terminal.profile]),
        }
    }

    /// A login waits for so long before its first poll.
    fn waits(self) -> Duration {
        Duration::from_secs(u64::from(matches!(self, Self::FirstLogin | Self::Login)))
    }

    fn check(
        self,
        terminal: &Terminal,
        before: Before,
        calls: Option<&[Call]>,
        figures: &mut Figures,
    ) {
        let Terminal { world, kept, profile, other, .. } = terminal;
        figures.rounds += 1;
        let found = kept.profile(profile);
        let issued = world.server.issued().split_off(before.issued);
        let is_old = found == before.profile;
        let is_new = match self {
            Self::Logout => found.is_signed_out(),
            Self::Profile => false,
            _ => found.is_of(&issued),
        };
        assert!(is_old || is_new, "{self:?}: neither the old session nor the new one");
        assert!(kept.profile(other) == before.other, "{self:?}: another profile's session");
        let current = kept.current("ast");
        // A first login, and one after a first one that was cut short.
        let is_first = is_new && before.current.is_null();
        let is_chosen = current == **profile && (is_first || self == Self::Profile);
        assert!(current == before.current || is_chosen, "{self:?}: {current} is current");
        figures.new += usize::from(is_new || is_chosen);
        self.agrees(terminal, &found);

        // The next one finishes what was begun.
        if found.session.is_some() {
            terminal.age(EXPIRED);
        }
        let aged = kept.file();
        let token = terminal.ast("token").printing_a_token().run();
        // Asked only now: what was sent before a kill may be answered after it.
        let stats = world.server.stats();
        let signed_out = self == Self::Logout && stats.sign_outs > before.stats.sign_outs;
        // What a strict server has rotated was stored, or died with the process.
        let died = !terminal.has_grace && is_old && stats.reuses > before.stats.reuses;
        if let Some(calls) = calls.filter(|_| died) {
            let sent = calls.iter().any(|call| call.what.starts_with(REQUEST));
            assert!(sent, "{self:?}: lost before anything was sent: {calls:?}");
        }
        let ended = (signed_out || died) && token.code == Some(4);
        match &found.session {
            None => drop(token.failed(4)),
            Some(_) if ended => {
                assert!(token.failed(4).starts_with("session"), "{}", token.stderr);
                assert_eq!(kept.file(), aged, "it was deleted");
                figures.ended += usize::from(died);
            }
            Some(_) if token.code != Some(0) => {
                figures.lost += 1;
                println!("{self:?}: {}", token.stderr);
            }
            Some(_) => self.agrees(terminal, &kept.profile(profile)),
        }
        if found.session.is_none() || ended {
            terminal.ast("logout").run().ok();
            assert!(kept.profile(profile).is_signed_out());
        }
        figures.orphans += kept.orphans(|profile| terminal.owns(profile));
    }
}

impl OfAst {
    /// What is stored beside the tokens is what they say.
    fn agrees(self, terminal: &Terminal, found: &Profile) {
        let Some(session) = &found.session else { return };
        let claims = found.claims();
        let (user, identity) = (session.user.as_ref().unwrap(), &session.identity);
        let [subject, organization] = ["sub", "org_id"].map(|name| claims[name].as_str());
        assert_eq!((Some(&*user.id), identity.subject.as_deref()), (subject, subject), "{self:?}");
        assert_eq!(identity.organization.as_deref(), organization, "{self:?}");
        let times = ["exp", "iat"].map(|name| claims[name].as_u64().unwrap());
        assert_eq!(session.lifetime, Some(times[0] - times[1]), "{self:?}");
        let stored = terminal.kept.home().profile(&terminal.profile).unwrap().unwrap();
        if stored.accounts.is_empty() {
            // Those of a first login come after it.
            assert!(found.entry.get("accounts").is_none() && self == Self::FirstLogin, "{self:?}");
        } else {
            let account = stored.account().unwrap();
            assert_eq!(account.organization.as_deref(), organization, "{self:?}");
        }
    }
}

fn login(terminal: &Terminal, manner: &str) -> Ast {
    let store = terminal.kept.place.option();
    terminal
        .kept
        .place
        .reach(terminal.world.login("--json").env("ASTRO_PROFILE", &terminal.profile))
        .args([manner, "--store", store])
}
