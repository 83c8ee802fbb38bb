//! What all crates log at the highest level, kept for a search; see `tests/search-output`.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing_subscriber::filter::LevelFilter;

/// Names the folder for the logs; see [`keep`].
pub const FOLDER: &str = "ASTROPASS_TEST_LOGS";

/// Keeps what this process logs from now on, by `tracing` or by `log`, in a file of the folder that
/// [`FOLDER`] names, which is [`name`]d after the process. Without a folder it does nothing, and
/// without a line to write there is no file.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
        let log = Log(Arc::new(Mutex::new((folder.join(name(std::process::id())), None))));
        // Another one may have been set up by a test that looks at logs itself.
        let _ = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .try_init();
    });
}

/// The name of the log of a process.
#[must_use]
pub fn name(process: u32) -> String {
    format!("{process}.log")
}

/// A file that is opened when there is something to write.
#[derive(Clone)]
struct Log(Arc<Mutex<(PathBuf, Option<File>)>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (path, file) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            // The number of a process may come again.
            *file = Some(File::options().create(true).append(true).open(path)?);
        }
        file.as_mut().map_or(Ok(0), |file| file.write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
