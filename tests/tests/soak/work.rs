//! What is done to a session, and what must be left of it wherever that is cut short.

use std::collections::HashSet;
use std::fs;

use astropass_tests::ast::Ast;
use astropass_tests::server::Stats;

use crate::figures::Figures;
use crate::terminal::{Terminal, Tokens};

/// Seconds after which a token of the embedded server has expired.
const EXPIRED: i64 = 301;

/// A command that changes what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    FirstLogin,
    Login,
    Refresh,
    Logout,
    Account,
    Profile,
}

pub(crate) const ALL: [Work; 6] =
    [Work::FirstLogin, Work::Login, Work::Refresh, Work::Logout, Work::Account, Work::Profile];

/// What there was before, as far as it matters after.
pub(crate) struct Before {
    tokens: Option<Tokens>,
    issued: usize,
    sign_outs: u32,
    reuses: u32,
}

impl Work {
    /// Brings about what the command is for.
    pub(crate) fn prepare(self, terminal: &Terminal) -> Before {
        terminal.sign_in();
        match self {
            Self::FirstLogin => {
                terminal.sign_out();
                fs::remove_dir_all(terminal.folder()).unwrap();
            }
            Self::Refresh => terminal.age(EXPIRED),
            // From one organization to another.
            Self::Account => {
                terminal.ast("account use org_engines").run().ok();
            }
            Self::Login | Self::Logout | Self::Profile => {}
        }
        let (server, tokens) = (&terminal.world.server, terminal.tokens());
        let Stats { sign_outs, reuses, .. } = server.stats();
        Before { tokens, issued: server.issued().len(), sign_outs, reuses }
    }

    pub(crate) fn command(self, terminal: &Terminal) -> Ast {
        match self {
            Self::FirstLogin | Self::Login => {
                let store = terminal.choice();
                let url = terminal.world.server.url();
                terminal
                    .ast("login --json --no-browser --client-id client_test")
                    .args(["--workos-url", url, "--server", url])
                    .args(["--store", &format!("{store:?}").to_lowercase()])
            }
            Self::Refresh => terminal.ast("token").printing_a_token(),
            Self::Logout => terminal.ast("logout"),
            Self::Account => terminal.ast("account use org_navy"),
            Self::Profile => terminal.ast(&format!("profile use {}", terminal.profile)),
        }
    }

    /// Checks what is left once the command has ended or was killed, and goes on from there.
    ///
    /// # Panics
    /// If the store cannot be read, holds half a session, or the next command fails.
    pub(crate) fn check(self, terminal: &Terminal, before: &Before, figures: &mut Figures) {
        figures.rounds += 1;
        let found = terminal.tokens();
        let server = &terminal.world.server;
        let issued: HashSet<_> = server.issued().split_off(before.issued).into_iter().collect();
        let is_new = found
            .as_ref()
            .is_some_and(|found| issued.contains(&found.access) && issued.contains(&found.refresh));
        let is_whole = match self {
            Self::FirstLogin => found.is_none() || is_new,
            Self::Logout => found.is_none() || found == before.tokens,
            Self::Profile => found == before.tokens,
            Self::Login | Self::Refresh | Self::Account => found == before.tokens || is_new,
        };
        assert!(is_whole, "{self:?}: neither the old session nor the new one");

        // The next one finishes what was begun.
        if found.is_some() {
            terminal.age(EXPIRED);
        }
        let kept = terminal.file();
        let token = terminal.ast("token").printing_a_token().run();
        // Asked only now: what was sent before a kill may be answered after it.
        let stats = server.stats();
        let signed_out = self == Self::Logout && stats.sign_outs > before.sign_outs;
        // What a strict server has rotated was stored, or died with the process.
        let died = !terminal.has_grace && !is_new && stats.reuses > before.reuses;
        let ended = (signed_out || died) && token.code == Some(4);
        match &found {
            None => drop(token.failed(4)),
            Some(_) if ended => {
                assert!(token.failed(4).starts_with("session"), "{}", token.stderr);
                assert_eq!(terminal.file(), kept, "it was deleted");
            }
            Some(_) if token.code != Some(0) => {
                figures.lost += 1;
                println!("{self:?}: {}", token.stderr);
            }
            Some(_) => {}
        }
        if found.is_none() || ended {
            terminal.ast("logout").run().ok();
            assert!(terminal.tokens().is_none());
        }
        figures.orphans += terminal.orphans();
    }
}
