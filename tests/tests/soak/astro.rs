//! What `astro login` does to the sessions of the cloud and of Software.

use std::sync::Arc;
use std::time::Duration;

use astropass_tests::ast::{Ast, Call, Home};
use astropass_tests::foreign::{Domains, RegisteredPort};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::figures::Figures;
use crate::kept::{Kept, Place, Profile};
use crate::work::Work;

const CLOUD: &str = "astronomer.io";
const SOFTWARE: &str = "software.example";

/// Ada is signed in to both systems, and Grace signs in to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfAstro {
    CloudWithBrowser,
    CloudWithToken,
    SoftwareWithPassword,
    SoftwareWithToken,
}

/// Somebody who uses `astro`.
pub(crate) struct Contexts {
    home: Home,
    kept: Kept,
    domains: Arc<Domains>,
    browser: Browser,
}

pub(crate) struct Before {
    context: Profile,
    other: Profile,
    current: Value,
    issued: usize,
    _port: Option<RegisteredPort>,
}

impl Contexts {
    /// So many homes, at the same servers.
    pub(crate) fn several(place: Place, count: usize) -> Vec<Self> {
        let domains = Arc::new(Domains::start(CLOUD, SOFTWARE, &json!({})).unwrap());
        (0..count).map(|_| Self::at(Arc::clone(&domains), place)).collect()
    }

    fn at(domains: Arc<Domains>, place: Place) -> Self {
        let home = Home::new();
        let visitor = domains.visitor();
        // A login that was killed is not there to be answered.
        let browser = Browser::new(home.path(), move |link| drop(visitor.visit(link)));
        Self { kept: Kept::new(home.path(), place), home, domains, browser }
    }

    fn astro(&self, args: &str) -> Ast {
        let program = self.home.program("astro").args(args.split_whitespace());
        let program = program.env("HTTPS_PROXY", self.domains.proxy.url());
        let program = program.env("SSL_CERT_FILE", self.domains.ca_file());
        self.kept.place.reach(program).env("ASTRO_STORE", self.kept.place.option())
    }

    /// Somebody signs in to a context with a token of an hour.
    fn with_token(&self, context: &str, user: &str) -> Ast {
        let servers = &self.domains.servers;
        let token = match context {
            CLOUD => servers.cloud_token(user, 3600),
            _ => servers.houston_token(user, 3600),
        };
        self.astro(&format!("login {context} -t -")).stdin(format!("{}\n", token.unwrap()))
    }
}

impl Work for OfAstro {
    type Terminal = Contexts;
    type Before = Before;
    const ALL: &[Self] = &[
        Self::CloudWithBrowser,
        Self::SoftwareWithPassword,
        Self::CloudWithToken,
        Self::SoftwareWithToken,
    ];

    fn prepare(self, terminal: &Contexts) -> Before {
        let Contexts { kept, domains, .. } = terminal;
        let (context, other) = self.contexts();
        for context in [context, other] {
            if kept.profile(context).session.is_none() {
                terminal.with_token(context, "ada").run().ok();
            }
        }
        kept.home().set_current("astro", Some(other)).unwrap();
        Before {
            context: kept.profile(context),
            other: kept.profile(other),
            current: kept.current("astro"),
            issued: domains.servers.issued().unwrap().len(),
            _port: (self == Self::CloudWithBrowser).then(|| RegisteredPort::hold().unwrap()),
        }
    }

    fn command(self, terminal: &Contexts) -> Ast {
        let login = match self {
            Self::CloudWithBrowser => terminal
                .astro("login astronomer.io --email grace@example.com")
                .env("BROWSER", terminal.browser.program()),
            Self::SoftwareWithPassword => {
                terminal.astro("login software.example").stdin("grace@example.com\nnanosecond\n")
            }
            Self::CloudWithToken | Self::SoftwareWithToken => {
                terminal.with_token(self.contexts().0, "grace")
            }
        };
        login.args(["--workspace", "FLOW-MATIC"])
    }

    fn waits(self) -> Duration {
        Duration::ZERO
    }

    fn check(self, terminal: &Contexts, before: Before, _: Option<&[Call]>, figures: &mut Figures) {
        let Contexts { kept, domains, .. } = terminal;
        let (context, other) = self.contexts();
        figures.rounds += 1;
        let found = kept.profile(context);
        let issued = domains.servers.issued().unwrap().split_off(before.issued);
        let (is_old, is_new) = (found == before.context, found.is_of(&issued));
        assert!(is_old || is_new, "{self:?}: neither the old session nor the new one");
        assert!(kept.profile(other) == before.other, "{self:?}: another context's session");
        let current = kept.current("astro");
        let is_chosen = is_new && current == context;
        assert!(current == before.current || is_chosen, "{self:?}: {current} is current");
        figures.new += usize::from(is_new);
        self.agrees(&found, if is_new { "grace" } else { "ada" });

        let token = terminal.astro("auth token").env("ASTRO_DOMAIN", context).printing_a_token();
        let token = token.run();
        if token.code != Some(0) {
            figures.lost += 1;
            println!("{self:?}: {}", token.stderr);
        }
        // The next one finishes what was begun.
        terminal.with_token(context, "ada").run().ok();
        figures.orphans += kept.orphans(|profile| profile == context || profile == other);
    }
}

impl OfAstro {
    /// The context that it is about, and the other one.
    fn contexts(self) -> (&'static str, &'static str) {
        match self {
            Self::CloudWithBrowser | Self::CloudWithToken => (CLOUD, SOFTWARE),
            Self::SoftwareWithPassword | Self::SoftwareWithToken => (SOFTWARE, CLOUD),
        }
    }

    /// What is stored beside the tokens is `name`'s as they are, as far as it is known yet.
    fn agrees(self, found: &Profile, name: &str) {
        let (session, claims) = (found.session.as_ref().unwrap(), found.claims());
        let owner = claims["sub"].as_str().or_else(|| claims["id"].as_str()).unwrap();
        assert!(owner.contains(name), "{self:?}: {owner}");
        let subject = session.identity.subject.as_deref();
        assert!(subject.is_none_or(|subject| subject == owner), "{self:?}: {subject:?}");
        let email = session.user.as_ref().and_then(|user| user.email.clone());
        assert!(email.is_none_or(|email| email == format!("{name}@example.com")), "{self:?}");
        let (organization, workspace) = match name {
            "ada" => ("Analytical Engines", "Production"),
            _ => ("Compilers", "FLOW-MATIC"),
        };
        for (field, expected) in [("organization", organization), ("workspace", workspace)] {
            let found = found.entry[field]["name"].as_str();
            assert!(found.is_none_or(|found| found == expected), "{self:?}: {field} {found:?}");
        }
    }
}
