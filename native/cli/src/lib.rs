//! The commands of astropass: arguments in, text or JSON out, exit codes.

mod args;
mod astro;
mod command;
mod context;
mod core_dumps;
mod failure;
mod input;
mod output;
mod program;

use std::io;
#[cfg(unix)]
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use astropass::Home;
use clap::Parser;
use clap::error::ErrorKind;
use clap_complete::Shell;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter as Level, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::args::Global;
use self::command::opener;
use self::context::Context;
use self::failure::Failure;
use self::program::Program;

/// How long an interrupted program may finish what must not be cut off: two attempts of a refresh at
/// their slowest, of 15 seconds each, and the slowest three of its saves, of 65 seconds where a
/// keyring's prompt waits for somebody. Who interrupts it once more need not wait.
const SETTLE: Duration = Duration::from_secs(240);

/// The arguments of one of the two programs, and what they ask for.
trait Commands: Parser {
    const PROGRAM: Program;

    fn global(&self) -> Global;

    /// The shell whose completions are asked for, which need neither a home nor a profile.
    fn completions(&self) -> Option<Shell>;

    /// Whether everything is to be looked at, which has to work where nothing else does.
    fn is_doctor(&self) -> bool;

    /// Whether it is about all profiles, or about one that it names itself.
    fn is_about_all(&self) -> bool;

    /// The profile that is meant.
    fn profile(&self, home: &Home) -> Result<String, Failure>;

    async fn run(&self, context: &Context<'_>) -> Result<ExitCode, Failure>;
}

/// Runs `ast` with the process's arguments.
pub fn ast() -> ExitCode {
    main::<args::Args>()
}

/// Runs `astro` with the process's arguments.
pub fn astro() -> ExitCode {
    main::<astro::Args>()
}

fn main<A: Commands>() -> ExitCode {
    core_dumps::turn_off();
    if let Some(url) = opener::asked() {
        return opener::start(&url);
    }
    A::PROGRAM.start();
    let code = start::<A>();
    match output::failure() {
        // What was asked for is not where it was to go.
        Some(error) if code == ExitCode::SUCCESS => {
            Failure::other(format!("The output could not be written: {error}.")).report(false)
        }
        _ => code,
    }
}

fn start<A: Commands>() -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    let args = match A::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error, wants_json),
    };
    if let Some(shell) = args.completions() {
        command::completions(A::command(), shell);
        return ExitCode::SUCCESS;
    }
    let global = args.global();
    if global.verbose {
        narrate();
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::other(format!("the program cannot start: {error}")).report(wants_json);
        }
    };
    let result = runtime.block_on(run(&args, &global));
    // A lookup or a keyring that still hangs must not keep the program from ending.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(global.json),
    }
}

/// Says on standard error what this program's own crates do; other crates only warn.
fn narrate() {
    let own = Targets::new().with_target("astropass", Level::TRACE).with_default(Level::WARN);
    let all = tracing_subscriber::fmt().with_max_level(Level::TRACE);
    all.with_writer(io::stderr).finish().with(own).init();
}

async fn run(args: &impl Commands, global: &Global) -> Result<ExitCode, Failure> {
    if args.is_doctor() {
        return tokio::select! {
            code = command::doctor(global, |home| args.profile(home)) => Ok(code),
            interruption = interruption() => Err(interruption),
        };
    }
    context::check_environment()?;
    let home = Home::from_env()?;
    let profile = match args.profile(&home) {
        // What is about all of them needs none: a name that cannot be used keeps nobody signed in.
        Err(_) if args.is_about_all() => String::new(),
        profile => profile?,
    };
    if !args.is_about_all() {
        check_own(&home, &profile)?;
    }
    let context = Context::new(global, home, profile);
    // The command goes first: one that has its answer at hand never sets up the signal.
    let result = tokio::select! {
        biased;
        result = args.run(&context) => {
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

/// Neither program acts on what the other one made.
pub(crate) fn check_own(home: &Home, profile: &str) -> Result<(), Failure> {
    let program = Program::running();
    // A file that cannot be read is reported by the command that needs it.
    match home.profile(profile) {
        Ok(Some(stored)) if !program.owns(&stored) => {
            let (noun, other) = (program.other().noun(), program.other().name());
            let failure = Failure::usage(format!("{profile:?} is a {noun} of '{other}'."));
            Err(failure.advise(format!("See '{} {} list'.", program.name(), program.noun())))
        }
        _ => Ok(()),
    }
}

/// Waits for Ctrl-C, or for whoever else ends processes.
async fn interruption() -> Failure {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Failure::interrupted(),
        failure = ended() => failure,
    }
}

/// Waits for a time limit, a service manager, or the end of the terminal.
#[cfg(unix)]
async fn ended() -> Failure {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    // `nohup` leaves a program without a terminal, and it is to outlive the one that is closed.
    let has_terminal =
        io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal();
    let hangup = async {
        if has_terminal && let Ok(mut hangup) = signal(SignalKind::hangup()) {
            return hangup.recv().await;
        }
        std::future::pending().await
    };
    tokio::select! {
        _ = terminate.recv() => Failure::terminated(),
        _ = hangup => Failure::hung_up(),
    }
}

/// Waits for the end of the console, or of the system.
#[cfg(windows)]
async fn ended() -> Failure {
    use tokio::signal::windows::{ctrl_break, ctrl_close, ctrl_shutdown};
    let (Ok(mut broken), Ok(mut closed), Ok(mut shut_down)) =
        (ctrl_break(), ctrl_close(), ctrl_shutdown())
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = broken.recv() => Failure::interrupted(),
        _ = closed.recv() => Failure::hung_up(),
        _ = shut_down.recv() => Failure::terminated(),
    }
}

fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        output::data(&error.to_string());
        return ExitCode::SUCCESS;
    }
    if json {
        return Failure::usage(what_is_wrong(error)).report(true);
    }
    output::note(error.to_string().trim_end());
    ExitCode::from(failure::USAGE)
}

/// In one line; what is left out is how the command is used.
fn what_is_wrong(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing; see --help".to_owned();
    }
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}
