//! Ctrl-C and SIGTERM end the demo, after the command that runs is gone and the home is deleted.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) struct Interrupt(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    interrupted: Condvar,
}

#[derive(Default)]
struct State {
    interrupted: bool,
    running: Option<Child>,
}

/// The person wants no more.
#[derive(Debug)]
pub(super) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted; the temporary home is deleted")
    }
}

impl Error for Interrupted {}

impl Interrupt {
    /// From now on signals are noted, and end nothing by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signal = {
            let _entered = runtime.enter();
            next_signal()?
        };
        let noted = Arc::clone(&shared);
        std::thread::spawn(move || {
            runtime.block_on(signal);
            let mut state = noted.lock();
            state.interrupted = true;
            if let Some(running) = &mut state.running {
                // One that has just ended needs none.
                let _ = running.kill();
            }
            noted.interrupted.notify_all();
            drop(state);
            // Further signals change nothing: the end is near.
            runtime.block_on(std::future::pending::<()>());
        });
        Ok(Self(shared))
    }

    /// Starts `command`, which an interruption ends.
    pub(super) fn spawn(&self, command: &mut Command) -> Result<Running<'_>, Box<dyn Error>> {
        let mut state = self.0.lock();
        if state.interrupted {
            return Err(Interrupted.into());
        }
        state.running = Some(command.spawn()?);
        Ok(Running(self))
    }

    pub(super) fn sleep(&self, time: Duration) -> Result<(), Interrupted> {
        let slept =
            self.0.interrupted.wait_timeout_while(self.0.lock(), time, |state| !state.interrupted);
        let (state, _) = slept.unwrap_or_else(PoisonError::into_inner);
        if state.interrupted { Err(Interrupted) } else { Ok(()) }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program that is ended when it is no longer waited for.
pub(super) struct Running<'a>(&'a Interrupt);

impl Running<'_> {
    /// To be called when the program has closed its output, and so is about to end.
    pub(super) fn wait(self) -> Result<ExitStatus, Box<dyn Error>> {
        let mut state = self.0.0.lock();
        let mut running = state.running.take().ok_or("nothing runs")?;
        let status = running.wait()?;
        if state.interrupted { Err(Interrupted.into()) } else { Ok(status) }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(mut running) = self.0.0.lock().running.take() {
            let _ = running.kill().and_then(|()| running.wait());
        }
    }
}

/// Ctrl-C, SIGTERM, or a terminal that goes away. Noted from this call on.
#[cfg(unix)]
fn next_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Ctrl-C. Noted from this call on.
#[cfg(windows)]
fn next_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}
