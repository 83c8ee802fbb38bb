//! `make demo`: the real `ast` signs in, stays signed in and signs out, against the embedded server.
//!
//! Everything happens on loopback and in a temporary home, which is deleted at the end. Each command
//! is checked, not just shown: the demo fails when one does not do what it should.

mod interrupt;
mod shell;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use anstream::println;
use anstyle::{AnsiColor, Style};
use astropass_tests::client;
use astropass_tests::person::Person;
use astropass_tests::server::{Client, Options, Server};
use serde_json::Value;

use self::interrupt::{Interrupt, Interrupted};
use self::shell::{Answer, Shell};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Long enough to be shown as fresh, short enough to wait for.
const LIFETIME: Duration = Duration::from_secs(5);

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const ASIDE: Style = AnsiColor::Magenta.on_default();

const HELP: &str = "\
demo: the real `ast` signs in, stays signed in and signs out, on loopback and in a temporary home

USAGE
  demo [--interactive]      `make demo` builds it and `ast`, and runs it

  --interactive             a person approves the logins in a browser; INTERACTIVE=1
                            in the environment means the same
  -h, --help                prints this
";

fn main() -> ExitCode {
    let mut interactive =
        std::env::var_os("INTERACTIVE").is_some_and(|value| !value.is_empty() && value != "0");
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--interactive") => interactive = true,
            Some("-h" | "--help") => {
                anstream::print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            _ => {
                anstream::eprintln!("demo: it takes no {argument:?}; see --help");
                return ExitCode::from(2);
            }
        }
    }
    let Err(error) = run(interactive) else { return ExitCode::SUCCESS };
    anstream::eprintln!("\ndemo: {error}");
    let interrupted = error.is::<Interrupted>();
    ExitCode::from(if interrupted { 130 } else { 1 })
}

fn run(interactive: bool) -> Outcome {
    let interrupt = Interrupt::listen()?;
    let server = Server::start(Options {
        interval: Some(Duration::from_secs(1)),
        access_token_ttl: LIFETIME,
        clients: vec![Client::new("client_demo", "the astropass demo")],
        ..Options::default()
    })?;
    let shell = Shell::open(&server, &interrupt)?;
    let played = Demo { shell: &shell, server: &server, interactive }.play();
    shell.close()?;
    played?;
    println!();
    aside("The temporary home is deleted, and nothing outside of it was touched.");
    Ok(())
}

struct Demo<'a> {
    shell: &'a Shell<'a>,
    server: &'a Server,
    interactive: bool,
}

impl Demo<'_> {
    fn play(&self) -> Outcome {
        title("An authorization server of our own, and a temporary home");
        self.shell.show_environment();

        title("Sign in");
        let url = self.server.url();
        self.login(&["--workos-url", url], "Ada Lovelace")?;
        self.ast(&["whoami"])?.must_say(&["Authenticated", self.expected("Ada Lovelace")])?;

        title("Call an API");
        let answer = self.ast(&["api", "/api/v1/projects"])?;
        let answer: Value = serde_json::from_str(answer.text())?;
        let projects = answer.get("projects").and_then(Value::as_array);
        check(projects.is_some_and(|projects| !projects.is_empty()), "the API named no projects")?;

        title("A token expires, and is refreshed");
        self.expire()?;

        title("A second profile, at a standard OpenID Connect provider");
        self.login(&["--profile", "work", "--issuer", self.server.issuer()], "Grace Hopper")?;
        let list = self.ast(&["profile", "list"])?;
        list.must_say(&["* default", "  work", self.expected("grace@example.com")])?;
        let whoami = self.ast(&["whoami", "--profile", "work"])?;
        whoami.must_say(&[self.expected("Grace Hopper")])?;

        title("Sign out");
        self.ast(&["logout", "--all"])?.must_say(&["confirmed", "all profiles"])?;
        let stats = self.server.stats();
        check(
            (stats.sign_outs, stats.revocations) == (1, 1),
            "the server did not hear of both logouts",
        )?;
        self.shell.ast(&["token"], 4)?.must_say(&["ast login"])?;
        aside("Both sessions are over, here and at the server.");
        Ok(())
    }

    /// Signs in, and approves at the page unless that is left to the person who watches.
    fn login(&self, options: &[&str], name: &str) -> Outcome {
        let before = self.server.stats().sign_ins;
        let args = [&["login", "--no-browser"], options].concat();
        if self.interactive {
            println!();
            aside(
                "Open the page that the next command shows, choose who you are, and click Approve.",
            );
            aside("The demo goes on when you have done that; Ctrl-C ends it.");
            self.shell.ast_by_hand(&args)?;
        } else {
            let mut page = None;
            let mut approved = false;
            let login = self.shell.ast_watched(&args, 0, |line| {
                let line = line.trim();
                if line.starts_with("http") && line.contains("user_code=") {
                    page = Some(line.to_owned());
                } else if let Some(url) = &page
                    && !approved
                    && !line.is_empty()
                {
                    // The sentence about the page is the last before it waits.
                    approved = true;
                    self.approve(url, name)?;
                }
                Ok(())
            })?;
            login.must_say(&["Welcome", name])?;
        }
        check(self.server.stats().sign_ins == before + 1, "the server counted no new sign-in")
    }

    /// What a person does in a browser.
    fn approve(&self, url: &str, name: &str) -> Outcome {
        let first = name.split(' ').next().unwrap_or(name);
        println!();
        aside(&format!(
            "A person opens that page as {first}, sees the same code, and clicks Approve."
        ));
        let page = Person { account: vec![name.to_owned()], ..Person::default() }.visit(url)?;
        aside(&format!("The page answers: \"{page}\"."));
        Ok(())
    }

    fn expire(&self) -> Outcome {
        let old = self.shell.secret(&["token"])?;
        let before = self.server.stats().refreshes;
        let waited = format!("sleep {}", LIFETIME.as_secs());
        self.shell.wait(&waited, LIFETIME)?;
        let api = format!("{}/api/v1/me", self.server.url());
        let status = client::get(&api).bearer(old.trim()).send()?.status();
        check(status == 401, "the API server takes a token that should have expired")?;
        aside("The API server refuses that token now: it has expired.");
        // From here on nothing depends on how fast this machine is.
        self.server.configure(|options| options.access_token_ttl = Duration::from_secs(300));

        let new = self.shell.secret(&["token"])?;
        check(new != old, "the token is still the expired one")?;
        let again = self.shell.secret(&["token"])?;
        check(again == new, "a fresh token was not used again")?;
        let refreshes = self.server.stats().refreshes;
        check(refreshes == before + 1, "the server did not count one refresh")?;
        aside(
            "Three calls, two tokens, and the server counts 1 refresh since: nobody had to sign in.",
        );
        self.ast(&["api", "/api/v1/projects"])?.must_say(&["projects"])
    }

    fn ast(&self, args: &[&str]) -> Outcome<Answer> {
        self.shell.ast(args, 0)
    }

    /// `text`, if it is not the person who decides on it.
    fn expected<'t>(&self, text: &'t str) -> &'t str {
        if self.interactive { "" } else { text }
    }
}

fn check(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

fn title(text: &str) {
    println!("\n{TITLE}── {text} {}{TITLE:#}", "─".repeat(72_usize.saturating_sub(text.len())));
}

/// What is not the command's, but about it.
fn aside(text: &str) {
    println!("{ASIDE}  ┆ {text}{ASIDE:#}");
}
