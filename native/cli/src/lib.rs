//! The commands of astropass: arguments in, text or JSON out, exit codes.

mod args;
mod command;
mod context;
mod failure;
mod output;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter as Level, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::args::{Args, Command};
use self::context::Context;
use self::failure::Failure;

/// How long an interrupted program may finish what must not be cut off.
const SETTLE: Duration = Duration::from_secs(10);

/// Runs `ast` with the process's arguments.
pub fn ast() -> ExitCode {
    let code = run_ast();
    match output::failure() {
        // What was asked for is not where it was to go.
        Some(error) if code == ExitCode::SUCCESS => {
            Failure::other(format!("The output could not be written: {error}.")).report(false)
        }
        _ => code,
    }
}

fn run_ast() -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error, wants_json),
    };
    if let Command::Completions { shell } = args.command {
        command::completions(shell);
        return ExitCode::SUCCESS;
    }
    if args.global.verbose {
        narrate();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::other(format!("the program cannot start: {error}")).report(wants_json);
        }
    };
    let result = runtime.block_on(run(&args));
    // A lookup or a keyring that still hangs must not keep the program from ending.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(args.global.json),
    }
}

/// Says on standard error what this program's own crates do; other crates only warn.
fn narrate() {
    let own = Targets::new().with_target("astropass", Level::TRACE).with_default(Level::WARN);
    let all = tracing_subscriber::fmt().with_max_level(Level::TRACE);
    all.with_writer(std::io::stderr).finish().with(own).init();
}

async fn run(args: &Args) -> Result<ExitCode, Failure> {
    if let Command::Doctor = args.command {
        return tokio::select! {
            code = command::doctor(&args.global) => Ok(code),
            interruption = interruption() => Err(interruption),
        };
    }
    let context = Context::new(args)?;
    // The command goes first: one that has its answer at hand never sets up the signal.
    let result = tokio::select! {
        biased;
        result = command::run(&context, &args.command) => {
            result.map_err(|failure| failure.of_profile(&context.profile))
        }
        interruption = interruption() => {
            tokio::select! {
                () = context.settle(SETTLE) => {}
                _ = self::interruption() => {}
            }
            Err(interruption)
        }
    };
    context.report_notices(result.is_ok());
    let Some(error) = context.unsaved() else { return result };
    output::warn(&format!(
        "The session was refreshed but not stored ({error}), so the next command may ask for a new login: free the disk or unlock the keyring first."
    ));
    result.map(|_| ExitCode::from(failure::STORE))
}

/// Waits for Ctrl-C, or for whoever ends processes: a time limit, a service manager.
async fn interruption() -> Failure {
    #[cfg(unix)]
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        return tokio::select! {
            _ = tokio::signal::ctrl_c() => Failure::interrupted(),
            _ = terminate.recv() => Failure::terminated(),
        };
    }
    let _ = tokio::signal::ctrl_c().await;
    Failure::interrupted()
}

fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        output::data(&error.to_string());
        return ExitCode::SUCCESS;
    }
    if json {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        return Failure::usage(first.to_owned()).report(true);
    }
    output::note(error.to_string().trim_end());
    ExitCode::from(failure::USAGE)
}
