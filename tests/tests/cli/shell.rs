//! What every command-line program has: help, a version, completions, usage errors.

use std::fs;
use std::process::{Command, Stdio};

use astropass_tests::ast::program;

use super::{World, eager};

#[test]
fn version_and_help_are_printed_on_stdout() {
    let world = World::new(eager());
    let version = concat!("ast ", env!("CARGO_PKG_VERSION"), "\n");
    for args in ["--version", "-V"] {
        assert_eq!(world.ast(args).run().ok(), version);
    }
    for args in ["help", "--help", "-h"] {
        let help = world.ast(args).run();
        for command in ["login", "logout", "whoami", "token", "account", "api", "profile", "doctor"]
        {
            assert!(help.ok().contains(&format!("\n  {command} ")), "{help}");
        }
    }
    for variable in
        ["ASTRO_CLIENT_ID", "ASTRO_ISSUER", "ASTRO_STORE", "ASTRO_SERVER", "ASTRO_PROFILE"]
    {
        let help = world.ast("help login").run();
        assert!(help.ok().contains(variable), "{variable} is not in {help}");
    }
}

#[test]
fn what_cannot_be_understood_exits_with_2_on_stderr() {
    let world = World::new(eager());
    for args in ["", "frobnicate", "whoami --frobnicate", "api", "account", "login --store safe"] {
        let output = world.ast(args).run();
        assert!(
            output.failed(2).contains("Usage:") || output.stderr.contains("error:"),
            "{output}"
        );
    }
    let output = world.ast("whoami --json --frobnicate").run();
    assert_eq!((output.code, output.stderr.as_str()), (Some(2), ""));
    assert_eq!(output.json()[0]["code"], "usage");
    let said = |args| world.ast(args).run().json()[0]["message"].clone();
    assert_eq!(said("--json account"), "a command is missing; see --help");
    let missing = "the following required arguments were not provided: <NAME>";
    assert_eq!(said("--json account use"), missing);
}

#[test]
fn completions_for_bash_complete() {
    let world = World::new(eager());
    let script = world.home.path().join("ast.bash");
    fs::write(&script, world.ast("completions bash").run().ok()).unwrap();
    let check = Command::new("bash").arg("-n").arg(&script).status().unwrap();
    assert!(check.success());
    let complete = format!(
        "source {} && COMP_WORDS=(ast log) COMP_CWORD=1 && _ast ast log ast && echo ${{COMPREPLY[@]}}",
        script.display()
    );
    let completed = Command::new("bash").args(["--norc", "-c", &complete]).output().unwrap();
    assert_eq!(String::from_utf8(completed.stdout).unwrap(), "login logout\n");
}

#[test]
fn completions_for_other_shells_are_of_their_kind() {
    let world = World::new(eager());
    assert!(world.ast("completions zsh").run().ok().starts_with("#compdef ast\n"));
    assert!(world.ast("completions fish").run().ok().contains("complete -c ast "));
    // Where those shells are installed, they read it.
    for (shell, script) in [("zsh", "completions zsh"), ("fish", "completions fish")] {
        let file = world.home.path().join(shell);
        fs::write(&file, world.ast(script).run().ok()).unwrap();
        if let Ok(status) = Command::new(shell).arg("-n").arg(&file).status() {
            assert!(status.success(), "{shell}");
        }
    }
    assert_eq!(world.ast("completions tcsh").run().code, Some(2));
}

#[test]
fn completions_for_a_reader_that_closed_the_pipe_end_without_a_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut ast = Command::new(program("ast"));
    let ast = ast.env_clear().args(["completions", "bash"]).stdout(writer).stderr(Stdio::piped());
    let output = ast.output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn completions_need_no_environment_that_is_right() {
    let world = World::new(eager());
    world.ast("completions bash").env("ASTRO_PROFILE", "../evil").run().ok();
}

#[test]
fn the_options_of_every_command_are_apart_in_its_help() {
    let world = World::new(eager());
    let help = world.ast("login --help").run();
    let (own, shared) = help.ok().split_once("\nOptions for every command:\n").unwrap();
    assert!(own.contains("--no-browser") && !own.contains("--profile"), "{help}");
    assert!(shared.contains("--profile") && !shared.contains("--no-browser"), "{help}");
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_a_failure() {
    let world = World::signed_in();
    for args in ["token", "whoami", "whoami --json", "api /api/v1/me", "profile list", "--help"] {
        let program = program("ast");
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Command::new(program)
            .args(args.split(' '))
            .env_clear()
            .env("ASTRO_HOME", world.home.path())
            .stdin(Stdio::null())
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args}: {message}");
        assert!(message.contains("The output could not be written"), "{args}: {message}");
    }
}
