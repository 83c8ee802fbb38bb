//! Runs programs in turn, and says how long they took.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::Outcome;
use super::samples::Samples;

/// Runs that are not counted: files come into the cache, and the processor speeds up.
const WARM_UP: usize = 20;

/// A command whose whole life is measured.
pub(super) struct Program {
    name: String,
    command: Command,
    /// What it must print, so that nothing is measured that does not work.
    prints: String,
}

impl Program {
    pub(super) fn new(name: &str, program: impl AsRef<OsStr>, prints: &str) -> Self {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).stderr(Stdio::null());
        for name in ["PATH", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Self { name: name.to_owned(), command, prints: prints.to_owned() }
    }

    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it once, in nanoseconds.
    fn run(&mut self) -> Outcome<f64> {
        let started = Instant::now();
        let output = self.command.output();
        let elapsed = started.elapsed();
        let output = output.map_err(|error| format!("{}: {error}", self.name))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !printed.contains(&self.prints) {
            return Err(format!("{} does not print its token", self.name).into());
        }
        Ok(elapsed.as_nanos() as f64)
    }
}

/// Runs all in turn, so that what disturbs one disturbs the others alike.
pub(super) fn in_turn(programs: &mut [Program], rounds: usize) -> Outcome<Vec<Samples>> {
    let warm_up = WARM_UP.min(rounds);
    let mut samples = vec![Samples(Vec::with_capacity(rounds)); programs.len()];
    for round in 0..warm_up + rounds {
        for (program, samples) in programs.iter_mut().zip(&mut samples) {
            let time = program.run()?;
            if round >= warm_up {
                samples.0.push(time);
            }
        }
    }
    Ok(samples)
}

/// Runs programs in turn that measure themselves, and print their times as a JSON array.
pub(super) fn in_turn_by_themselves(
    commands: &mut [Command],
    rounds: usize,
) -> Outcome<Vec<Samples>> {
    let mut samples = vec![Samples(Vec::new()); commands.len()];
    for _ in 0..rounds {
        for (command, samples) in commands.iter_mut().zip(&mut samples) {
            let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
            samples.0.extend(serde_json::from_slice::<Vec<f64>>(&output.stdout)?);
        }
    }
    Ok(samples)
}

/// Whether a program of that name is installed.
pub(super) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
