//! A temporary home, and the commands that are run in it.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anstream::println;
use anstyle::{AnsiColor, Style};
use astropass_tests::server::Server;
use tempfile::TempDir;

use super::Outcome;
use super::interrupt::Interrupt;

const PROMPT: Style = AnsiColor::Green.on_default().bold();
const TYPED: Style = Style::new().bold();

pub(super) struct Shell<'a> {
    program: PathBuf,
    home: TempDir,
    server: &'a Server,
    interrupt: &'a Interrupt,
}

/// What a command printed, without colours.
pub(super) struct Answer {
    command: String,
    text: String,
}

impl<'a> Shell<'a> {
    pub(super) fn open(server: &'a Server, interrupt: &'a Interrupt) -> Outcome<Self> {
        let beside = env::current_exe()?;
        let program = beside.with_file_name(format!("ast{}", env::consts::EXE_SUFFIX));
        if !program.is_file() {
            return Err(format!("{} is not built; run `make demo`", program.display()).into());
        }
        let home = tempfile::Builder::new().prefix("astropass-demo-").tempdir()?;
        std::fs::create_dir(home.path().join("run"))?;
        Ok(Self { program, home, server, interrupt })
    }

    /// Deletes the home.
    pub(super) fn close(self) -> std::io::Result<()> {
        self.home.close()
    }

    /// What every command finds in its environment.
    fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("ASTRO_HOME", self.home.path().display().to_string()),
            ("ASTRO_SERVER", self.server.url().to_owned()),
            ("ASTRO_CLIENT_ID", "client_demo".to_owned()),
            // The keyring is outside of the temporary home.
            ("ASTRO_STORE", "file".to_owned()),
        ]
    }

    pub(super) fn show_environment(&self) {
        println!();
        for (name, value) in self.variables() {
            prompt(&format!("export {name}={value}"));
        }
    }

    /// Runs `ast`, and fails unless it ends with `exit`.
    pub(super) fn ast(&self, args: &[&str], exit: i32) -> Outcome<Answer> {
        self.ast_watched(args, exit, |_| Ok(()))
    }

    /// The same; `watch` is told each line after it is shown.
    pub(super) fn ast_watched(
        &self,
        args: &[&str],
        exit: i32,
        mut watch: impl FnMut(&str) -> Outcome,
    ) -> Outcome<Answer> {
        self.run(args, exit, false, |line| {
            // Not all answers end with the line.
            println!("{}", line.trim_end_matches('\n'));
            watch(&anstream::adapter::strip_str(line).to_string())
        })
    }

    /// Runs `ast` at the terminal of the person who is to answer it.
    pub(super) fn ast_by_hand(&self, args: &[&str]) -> Outcome<Answer> {
        self.run(args, 0, true, |_| Ok(()))
    }

    /// Runs `ast` and shows only the ends of the secret that it prints.
    pub(super) fn secret(&self, args: &[&str]) -> Outcome<String> {
        let mut secrets = 0;
        let answer = self.run(args, 0, false, |line| {
            let secret = line.trim_end();
            let (head, tail) = (secret.get(..12), secret.len().checked_sub(12));
            let (Some(head), Some(tail)) = (head, tail.and_then(|at| secret.get(at..))) else {
                return Err("that is too short for a token".into());
            };
            println!("{head}…{tail}   ({} characters)", secret.len());
            secrets += 1;
            Ok(())
        })?;
        if secrets == 1 { Ok(answer.text) } else { Err("that is not one line".into()) }
    }

    /// Lets time pass as `sleep` would.
    pub(super) fn wait(&self, typed: &str, time: Duration) -> Outcome {
        println!();
        prompt(typed);
        Ok(self.interrupt.sleep(time)?)
    }

    fn run(
        &self,
        args: &[&str],
        exit: i32,
        attended: bool,
        mut each: impl FnMut(&str) -> Outcome,
    ) -> Outcome<Answer> {
        let typed = format!("ast {}", args.join(" "));
        println!();
        prompt(&typed);
        let (output, writer) = std::io::pipe()?;
        let mut command = self.command();
        command.args(args);
        if attended {
            // What people read goes to standard error.
            command.stdout(writer);
        } else {
            command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        }
        let running = self.interrupt.spawn(&mut command)?;
        // The pipe ends when the last writer is gone, and `command` holds some.
        drop(command);
        let mut text = String::new();
        let mut output = BufReader::new(output);
        loop {
            let mut line = String::new();
            if output.read_line(&mut line)? == 0 {
                break;
            }
            each(&line)?;
            text.push_str(&anstream::adapter::strip_str(&line).to_string());
        }
        let code = running.wait()?.code();
        if code != Some(exit) {
            let code = code.map_or("none".to_owned(), |code| code.to_string());
            return Err(format!("`{typed}` should end with exit code {exit}, not {code}").into());
        }
        Ok(Answer { command: typed, text })
    }

    /// `ast` with an environment of its own: neither a session bus nor a proxy is in it.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.variables());
        for name in ["PATH", "SystemRoot", "TERM", "NO_COLOR", "LANG"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        let home = self.home.path();
        for name in ["HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(name, home);
        }
        command.env("XDG_RUNTIME_DIR", home.join("run"));
        if anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never {
            // `ast` writes into a pipe, and what is read from it is shown on this terminal.
            command.env("CLICOLOR_FORCE", "1");
        }
        command
    }
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn must_say(&self, parts: &[&str]) -> Outcome {
        match parts.iter().find(|part| !self.text.contains(**part)) {
            Some(part) => Err(format!("`{}` should say {part:?}", self.command).into()),
            None => Ok(()),
        }
    }
}

fn prompt(typed: &str) {
    println!("{PROMPT}${PROMPT:#} {TYPED}{typed}{TYPED:#}");
}
