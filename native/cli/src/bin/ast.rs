//! `ast`: sign in from a terminal and stay signed in.

fn main() -> std::process::ExitCode {
    astropass_cli::ast()
}
