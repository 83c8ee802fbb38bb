//! The peak of a process's resident memory.

use std::process::Command;

use super::signed_in::SignedIn;
use super::{Outcome, beside};

pub(super) const PART: &str = "--peak-memory";

/// The peak of several runs, in bytes; `None` where the system does not tell.
///
/// The system counts what the parent has as the child's until the child's program is loaded, and
/// this process has more than `ast`: so a small process of its own starts it.
pub(super) fn peak(home: &SignedIn) -> Outcome<Option<i64>> {
    const RUNS: usize = 10;
    let mut peak: Option<i64> = None;
    for _ in 0..RUNS {
        let mut part = Command::new(std::env::current_exe()?);
        part.args([PART.as_ref(), beside("ast")?.as_os_str(), "token".as_ref()]);
        part.env("ASTRO_HOME", home.path()).env_remove("ASTRO_ACCESS_TOKEN");
        let output = part.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let bytes: Option<i64> = serde_json::from_slice(&output.stdout)?;
        peak = peak.max(bytes);
    }
    Ok(peak)
}

/// Runs `program`, and prints its peak in bytes or `null`.
pub(super) fn in_this_process(program: &str, args: &[&str]) -> Outcome {
    let output = Command::new(program).args(args).output()?;
    if !output.status.success() {
        return Err(format!("{program} failed").into());
    }
    anstream::println!("{}", serde_json::to_string(&of_children()?)?);
    Ok(())
}

#[cfg(unix)]
fn of_children() -> Outcome<Option<i64>> {
    use nix::sys::resource::{UsageWho, getrusage};
    // macOS counts bytes, the others kibibytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok(Some(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() * unit))
}

#[cfg(not(unix))]
fn of_children() -> Outcome<Option<i64>> {
    Ok(None)
}
