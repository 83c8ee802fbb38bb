use std::path::PathBuf;
use std::process::ExitCode;

use astropass::{Home, StoreChoice};
use clap::{Parser, Subcommand};
use clap_complete::Shell;

use super::{context, login, workspace};
use crate::Commands;
use crate::args::Global;
use crate::command::{logout, token, whoami};
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Program;

/// Sign in to Astro and to Astronomer Software, and stay signed in
#[derive(Debug, Parser)]
#[command(name = "astro", version, arg_required_else_help = true)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    /// Say on standard error what is done; no secret is in it
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign in to Astro, or to the Astronomer Software at a domain
    Login(Login),
    /// Sign out, here and where the server can be told
    Logout {
        /// Of this domain [env: ASTRO_DOMAIN] [default: the current context]
        #[arg(conflicts_with = "all")]
        domain: Option<String>,
        /// Of all contexts
        #[arg(long)]
        all: bool,
    },
    /// List, choose or delete contexts, one a domain
    #[command(subcommand)]
    Context(ContextCommand),
    /// List the workspaces, or use another one
    #[command(subcommand)]
    Workspace(Workspace),
    /// Show who is signed in
    Whoami,
    /// Print what other programs sign in with
    #[command(subcommand)]
    Auth(Auth),
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Without BASEDOMAIN it signs in again where the current context is, or to Astro.
#[derive(Debug, clap::Args)]
pub(super) struct Login {
    /// Domain of Astro, or base domain of an Astronomer Software [env: ASTRO_DOMAIN]
    #[arg(value_name = "BASEDOMAIN")]
    pub(super) domain: Option<String>,
    /// Print the link instead of opening a browser; its answer can be pasted here
    #[arg(short, long)]
    pub(super) login_link: bool,
    /// Sign in with a token: '-' reads it from standard input, and without TOKEN it is asked for.
    /// Other users of this machine can see an argument
    #[arg(short, long, value_name = "TOKEN", num_args = 0..=1, default_missing_value = "")]
    pub(super) token_login: Option<String>,
    /// Software: go straight to the OAuth token, without username and password
    #[arg(short, long, conflicts_with = "token_login")]
    pub(super) oauth: bool,
    /// Astro: the e-mail address, which is asked for otherwise
    #[arg(long, value_name = "ADDRESS")]
    pub(super) email: Option<String>,
    /// Astro: the organization, which is found by the e-mail address otherwise
    #[arg(long, value_name = "ID")]
    pub(super) organization: Option<String>,
    /// Workspace to use, by name or id
    #[arg(long, value_name = "WORKSPACE")]
    pub(super) workspace: Option<String>,
    /// Where to keep the tokens: auto, keyring or file [env: ASTRO_STORE] [default: auto]
    #[arg(long, value_name = "STORE")]
    pub(super) store: Option<StoreChoice>,
    /// PEM file of certificates to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ContextCommand {
    /// List contexts
    List,
    /// Use a context from now on
    Switch {
        /// Its domain
        domain: String,
    },
    /// Sign out of a context and forget it
    Delete {
        /// Its domain
        domain: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Workspace {
    /// List workspaces
    List,
    /// Use another workspace; without a name, choose from a menu
    Switch {
        /// Name or id, as 'workspace list' shows it
        name: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Auth {
    /// Print a valid access token, refreshed if it is close to expiry
    Token,
}

impl Commands for Args {
    const PROGRAM: Program = Program::Astro;

    fn global(&self) -> Global {
        Global { profile: None, server: None, json: self.json, verbose: self.verbose }
    }

    fn completions(&self) -> Option<Shell> {
        match self.command {
            Command::Completions { shell } => Some(shell),
            _ => None,
        }
    }

    fn profile(&self, home: &Home) -> Result<String, Failure> {
        let named = match &self.command {
            Command::Login(Login { domain, .. }) | Command::Logout { domain, .. } => {
                domain.as_deref()
            }
            _ => None,
        };
        Ok(context::domain(home, named)?.name().to_owned())
    }

    async fn run(&self, context: &Context<'_>) -> Result<ExitCode, Failure> {
        match &self.command {
            Command::Login(login) => login::run(context, login).await?,
            Command::Logout { all: false, .. } => logout::one(context).await?,
            Command::Logout { all: true, .. } => logout::all(context).await?,
            Command::Context(command) => context::run(context, command).await?,
            Command::Workspace(command) => workspace::run(context, command).await?,
            Command::Whoami => whoami::run(context).await?,
            Command::Auth(Auth::Token) => token::run(context).await?,
            // They were printed before anything was opened.
            Command::Completions { .. } => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}
