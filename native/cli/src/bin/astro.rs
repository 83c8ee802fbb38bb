//! `astro`: sign in to Astro and to Astronomer Software, and stay signed in.

fn main() -> std::process::ExitCode {
    astropass_cli::astro()
}
