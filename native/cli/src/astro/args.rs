use std::path::PathBuf;
use std::process::ExitCode;

use astropass::{Home, StoreChoice};
use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand};
use clap_complete::Shell;

use super::{context, login, workspace};
use crate::Commands;
use crate::args::{EVERYWHERE, Global, store_choices};
use crate::command::{logout, token, whoami};
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Program;

/// Sign in to Astro and to Astronomer Software, and stay signed in
#[derive(Debug, Parser)]
#[command(name = "astro", version, arg_required_else_help = true)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,
    /// Say on standard error what is done; no secret is in it
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
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
    /// Look at everything that signing in depends on, and say what is wrong
    Doctor,
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Login {
    /// Domain of Astro, or base domain of an Astronomer Software [env: ASTRO_DOMAIN] [default: the
    /// current context, else astronomer.io]
    #[arg(value_name = "BASEDOMAIN")]
    pub(super) domain: Option<String>,
    /// Print the link instead of opening a browser; its answer can be pasted here
    #[arg(short, long)]
    pub(super) login_link: bool,
    /// Sign in with a token: '-' reads it from standard input, and without TOKEN it is asked for.
    /// Other users of this machine can see an argument
    #[arg(short, long, value_name = "TOKEN")]
    pub(super) token_login: Option<Option<String>>,
    /// Software: go straight to the OAuth token, without username and password
    #[arg(short, long, conflicts_with = "token_login")]
    pub(super) oauth: bool,
    /// Astro: the e-mail address, which is asked for otherwise
    #[arg(long, value_name = "ADDRESS", value_parser = email_address)]
    pub(super) email: Option<String>,
    /// Astro: the organization, which is found by the e-mail address otherwise; its id at the login
    /// server, or with --token-login at the API
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) organization: Option<String>,
    /// Workspace to use, by name or id
    #[arg(long, value_name = "WORKSPACE", value_parser = NonEmptyStringValueParser::new())]
    pub(super) workspace: Option<String>,
    /// Where to keep the tokens [env: ASTRO_STORE] [default: auto]
    #[arg(long, value_name = "STORE", value_parser = store_choices())]
    pub(super) store: Option<StoreChoice>,
    /// PEM file of certificates to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
}

/// Only what can surely be none is refused: whether it is one, the login server knows.
pub(super) fn email_address(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once('@');
    let plausible = parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    if plausible && !text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no e-mail address; give one such as ada@example.com."))
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

    fn is_doctor(&self) -> bool {
        matches!(self.command, Command::Doctor)
    }

    fn completions(&self) -> Option<Shell> {
        match self.command {
            Command::Completions { shell } => Some(shell),
            _ => None,
        }
    }

    fn is_about_all(&self) -> bool {
        matches!(self.command, Command::Logout { all: true, .. } | Command::Context(_))
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
            // They were served before anything was opened.
            Command::Doctor | Command::Completions { .. } => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}
