//! `ast`, or what the variable `ASTROPASS_TEST_PROGRAM` names, as a program would be that has set up
//! a log of everything at the highest level. What is released has none.

use std::process::ExitCode;

fn main() -> ExitCode {
    astropass_tests::logs::keep();
    match std::env::var("ASTROPASS_TEST_PROGRAM").as_deref() {
        Ok("astro") => astropass_cli::astro(),
        _ => astropass_cli::ast(),
    }
}
