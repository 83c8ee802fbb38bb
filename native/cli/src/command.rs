mod account;
mod api;
mod doctor;
mod login;
mod logout;
mod profile;
mod prompt;
mod provider;
mod token;
mod whoami;

use std::process::ExitCode;

use crate::args::{Args, Command, Global};
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
        Command::Doctor => return Ok(doctor(context.global).await),
        Command::Completions { shell } => completions(*shell),
    }
    Ok(ExitCode::SUCCESS)
}

/// Says itself what keeps the others from having their context.
pub(crate) async fn doctor(global: &Global) -> ExitCode {
    doctor::run(global).await
}

/// Needs neither a home nor a profile.
pub(crate) fn completions(shell: clap_complete::Shell) {
    let mut command = <Args as clap::CommandFactory>::command();
    // Its own writing panics when the reader has closed the pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "ast", &mut script);
    output::data(&String::from_utf8_lossy(&script));
}
