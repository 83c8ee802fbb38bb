mod account;
mod api;
pub(crate) mod browser;
mod countdown;
pub(crate) mod login;
pub(crate) mod logout;
mod opener;
mod paste;
pub(crate) mod profile;
mod prompt;
mod provider;
pub(crate) mod token;
pub(crate) mod whoami;

use std::process::ExitCode;

use clap_complete::Shell;

use crate::args::Command;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

pub(crate) async fn run(context: &Context<'_>, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Login(login) => login::run(context, login).await?,
        Command::Logout { all: false } => logout::one(context).await?,
        Command::Logout { all: true } => logout::all(context).await?,
        Command::Whoami => whoami::run(context).await?,
        Command::Token => token::run(context).await?,
        Command::Account(account) => account::run(context, account).await?,
        Command::Api(api) => return api::run(context, api).await,
        Command::Profile(profile) => profile::run(context, profile).await?,
        // They were printed before anything was opened.
        Command::Completions { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn completions(mut command: clap::Command, shell: Shell) {
    let name = command.get_name().to_owned();
    // Its own writing panics when the reader has closed the pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    output::data(&String::from_utf8_lossy(&script));
}
