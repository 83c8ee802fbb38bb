use std::path::PathBuf;
use std::process::ExitCode;

use astropass::{Home, Profile as StoredProfile, StoreChoice};
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::context::{Context, env};
use crate::failure::Failure;
use crate::program::Program;
use crate::{Commands, command};

/// Sign in to Astro AI, and stay signed in
#[derive(Debug, Parser)]
#[command(name = "ast", version, disable_help_subcommand = false, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Commands for Args {
    const PROGRAM: Program = Program::Ast;

    fn global(&self) -> Global {
        self.global.clone()
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
        matches!(self.command, Command::Logout { all: true } | Command::Profile(_))
    }

    /// Option over environment over what `profile use` chose over `default`.
    fn profile(&self, home: &Home) -> Result<String, Failure> {
        let named = self.global.profile.clone().or_else(|| env("ASTRO_PROFILE"));
        if let Some(name) = named.as_ref().filter(|name| !StoredProfile::is_name(name)) {
            let failure = Failure::usage(format!("{name:?} cannot name a profile."));
            return Err(failure.advise(
                "Use 1 to 242 letters, digits, '-', '_' and '.', first a letter or digit and last no '.'.",
            ));
        }
        // A file that cannot be read is reported by the command that needs it.
        let chosen = || home.current(Program::Ast.name()).ok().flatten();
        Ok(named.or_else(chosen).unwrap_or_else(|| Program::Ast.default_profile().to_owned()))
    }

    async fn run(&self, context: &Context<'_>) -> Result<ExitCode, Failure> {
        command::run(context, &self.command).await
    }
}

/// They are apart from the options of the command that is asked for help.
pub(crate) const EVERYWHERE: &str = "Options for every command";

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Global {
    /// Profile to use [env: ASTRO_PROFILE] [default: the one chosen with 'profile use', else default]
    #[arg(long, global = true, value_name = "NAME", help_heading = EVERYWHERE)]
    pub(crate) profile: Option<String>,
    /// API server that the token is for; overrides the profile's [env: ASTRO_SERVER]
    #[arg(long, global = true, value_name = "URL", help_heading = EVERYWHERE)]
    pub(crate) server: Option<String>,
    /// Print JSON
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// Say on standard error what is done; no secret is in it
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in with a code that is approved in a browser, or in a browser on this machine
    Login(Login),
    /// Sign out, here and at the server
    Logout {
        /// Of all profiles
        #[arg(long)]
        all: bool,
    },
    /// Show who is signed in
    Whoami,
    /// Print a valid access token, refreshed if it is close to expiry
    Token,
    /// List the accounts and organizations of the user, or use another one
    #[command(subcommand)]
    Account(Account),
    /// Send a request to the API server and print the answer
    Api(Api),
    /// List, choose or remove profiles
    #[command(subcommand)]
    Profile(Profile),
    /// Look at everything that signing in depends on, and say what is wrong
    Doctor,
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// What `login` is told is remembered in the profile.
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// Sign in without a code: the browser comes back to this machine, or its last URL is pasted
    #[arg(long)]
    pub(crate) browser: bool,
    /// Print the URL instead of opening a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Show the URL as a QR code too
    #[arg(long, conflicts_with = "browser")]
    pub(crate) qr: bool,
    /// Organization to sign in to
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) organization: Option<String>,
    /// OAuth client [env: ASTRO_CLIENT_ID]
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) client_id: Option<String>,
    /// Standard OAuth or OpenID Connect provider, found by discovery [env: ASTRO_ISSUER]
    #[arg(long, value_name = "URL", conflicts_with = "workos_url")]
    pub(crate) issuer: Option<String>,
    /// WorkOS, which is used unless --issuer is given [default: https://api.workos.com]
    #[arg(long, value_name = "URL")]
    pub(crate) workos_url: Option<String>,
    /// Scope to ask a standard provider for; repeatable [default: openid profile email offline_access]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) scopes: Vec<String>,
    /// Endpoint that the provider does not name itself: authorization, device_authorization, token,
    /// revocation or userinfo; repeatable
    #[arg(long = "endpoint", value_name = "NAME=URL")]
    pub(crate) endpoints: Vec<String>,
    /// Redirect URI on this machine that --browser has to use, if the client is registered with a
    /// certain one; without a port, any free one
    #[arg(long, value_name = "URL")]
    pub(crate) redirect_uri: Option<String>,
    /// Where to keep the tokens [env: ASTRO_STORE] [default: auto]
    #[arg(long, value_name = "STORE", value_parser = store_choices())]
    pub(crate) store: Option<StoreChoice>,
    /// PEM file of certificates to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// With names, so that shells complete them.
pub(crate) fn store_choices() -> impl TypedValueParser<Value = StoreChoice> {
    let names =
        [StoreChoice::Auto, StoreChoice::Keyring, StoreChoice::File].map(StoreChoice::as_str);
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// List accounts and organizations
    List,
    /// Go on as a member of another organization
    Use {
        /// Name or id, as 'account list' shows it
        name: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(override_usage = "ast api [OPTIONS] [METHOD] <PATH>")]
pub(crate) struct Api {
    /// Path, such as /api/v1/me, and before it the method: GET, or POST with a body, if left out
    #[arg(required = true, num_args = 1..=2, value_name = "PATH")]
    pub(crate) request: Vec<String>,
    /// Body: the text itself, @FILE, or - for standard input; POST, PUT and PATCH read a piped
    /// standard input without it
    #[arg(short, long, value_name = "BODY")]
    pub(crate) data: Option<String>,
    /// Header field; repeatable
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Profile {
    /// List profiles
    List,
    /// Use a profile from now on
    Use {
        /// Its name
        name: String,
    },
    /// Sign a profile out and forget it
    Remove {
        /// Its name
        name: String,
    },
}
