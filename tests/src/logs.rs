//! What the crates log at the highest level, kept for a search; see `tests/search-output`.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Once;

use tracing_subscriber::filter::LevelFilter;

/// Keeps what this process logs from now on in a file of the folder that `ASTROPASS_TEST_LOGS`
/// names; without one it does nothing.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(folder) = std::env::var_os("ASTROPASS_TEST_LOGS").map(PathBuf::from) else {
            return;
        };
        let Ok(file) = File::create(folder.join(format!("{}.log", std::process::id()))) else {
            return;
        };
        // Another one may have been set up by a test that looks at logs itself.
        let _ = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(file)
            .try_init();
    });
}
