//! The embedded authorization server as a program, and the person who approves at its page.

// This program talks to people and to scripts: its output is what it is for.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use astropass_tests::person::Person;
use astropass_tests::server::{
    Approval, Bodies, Client, Cors, Options, Overrides, PrivateCa, Rotation, Server, Tls,
    parse_seconds,
};
use lexopt::prelude::{Long, Short, Value};
use lexopt::{Parser, ValueExt};
use serde_json::json;
use tokio::io::AsyncReadExt;

const HELP: &str = include_str!("astropass-server.txt");

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("astropass-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<_> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "approve") {
        return approve(Parser::from_args(args.drain(1..)));
    }
    let Some(command) = Command::parse(Parser::from_args(args))? else {
        print!("{HELP}");
        return Ok(());
    };
    command.serve()
}

/// `approve URL`: does at the page what a person does.
fn approve(mut args: Parser) -> Result<(), Box<dyn Error>> {
    let mut person = Person::default();
    let mut url = None;
    while let Some(arg) = args.next()? {
        match arg {
            Long("deny") => person.denies = true,
            Long("user" | "account") => person.account.push(args.value()?.string()?),
            Long("code") => person.code = Some(args.value()?.string()?),
            Value(value) if url.is_none() => url = Some(value.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    println!("{}", person.visit(&url.ok_or("approve needs the URL of the page")?)?);
    Ok(())
}

#[derive(Default)]
struct Command {
    options: Options,
    until_stdin_closes: bool,
}

impl Command {
    /// `None` if help was asked for.
    fn parse(mut args: Parser) -> Result<Option<Self>, Box<dyn Error>> {
        let mut command = Self::default();
        let options = &mut command.options;
        let (mut chain, mut key) = (None, None);
        let mut clients = Vec::new();
        let mut origins = Vec::new();
        while let Some(arg) = args.next()? {
            let Long(name) = arg else {
                match arg {
                    Short('h') => return Ok(None),
                    other => return Err(other.unexpected().into()),
                }
            };
            let name = name.to_owned();
            let mut text = || args.value().and_then(ValueExt::string);
            match name.as_str() {
                "help" => return Ok(None),
                "port" => {
                    options.listen = SocketAddr::new(options.listen.ip(), text()?.parse()?);
                }
                "listen" => options.listen = text()?.parse()?,
                "host" => options.host = Some(text()?),
                "issuer-path" => options.issuer_path = text()?,
                "tls-chain" => chain = Some(std::fs::read_to_string(text()?)?),
                "tls-key" => key = Some(std::fs::read_to_string(text()?)?),
                "tls-private-ca" => {
                    let ca = PrivateCa::generate()?;
                    std::fs::write(text()?, ca.certificate)?;
                    options.tls = Some(ca.tls);
                }
                "cors-origin" => origins.push(text()?),
                "client" => {
                    let client = text()?;
                    let (id, name) = client.split_once('=').unwrap_or((&client, &client));
                    clients.push(Client::new(id, name));
                }
                "redirect-uri" => {
                    let client = clients.last_mut().or(options.clients.first_mut());
                    client.ok_or("there is no client")?.redirect_uris.push(text()?);
                }
                "scope" => options.scopes.push(text()?),
                "auto-approve" => options.auto_approve = Some(Approval::default()),
                "auto-approve-as" => {
                    let approval = text()?;
                    let (user, organization) = match approval.split_once('/') {
                        Some((user, organization)) => (user, Some(organization.to_owned())),
                        None => (approval.as_str(), None),
                    };
                    options.auto_approve =
                        Some(Approval { user: Some(user.to_owned()), organization });
                }
                "authorization-code-ttl" => {
                    options.authorization_code_ttl = seconds(&text()?)?;
                }
                "device-code-ttl" => options.device_code_ttl = seconds(&text()?)?,
                "interval" => match text()?.as_str() {
                    "none" => options.interval = None,
                    value => options.interval = Some(seconds(value)?),
                },
                "access-token-ttl" => options.access_token_ttl = seconds(&text()?)?,
                "refresh-token-ttl" => options.refresh_token_ttl = seconds(&text()?)?,
                "id-token-ttl" => options.id_token_ttl = seconds(&text()?)?,
                "rotation" => {
                    options.rotation = match text()?.as_str() {
                        "rotate" => Rotation::Rotate,
                        "same" => Rotation::Same,
                        "omit" => Rotation::Omit,
                        other => return Err(format!("no such rotation: {other}").into()),
                    }
                }
                "no-reuse-detection" => options.reuse_detection = false,
                "grace" => options.grace = seconds(&text()?)?,
                "opaque-access-tokens" => options.opaque_access_tokens = true,
                "workos-bodies" => {
                    options.workos_bodies = match text()?.as_str() {
                        "any" => Bodies::Any,
                        "json" => Bodies::Json,
                        "form" => Bodies::Form,
                        other => return Err(format!("no such bodies: {other}").into()),
                    }
                }
                "workos-organization-required" => options.workos_organization_required = true,
                "no-oauth-metadata" => options.oauth_metadata = false,
                "no-openid-configuration" => options.openid_configuration = false,
                "set-metadata" => set(&mut options.metadata, &text()?)?,
                "set-device-response" => set(&mut options.device_response, &text()?)?,
                "set-callback" => set(&mut options.callback, &text()?)?,
                "set-token-response" => set(&mut options.token_response, &text()?)?,
                "set-id-token" => set(&mut options.id_token, &text()?)?,
                "opener-policy" => options.opener_policy = Some(text()?),
                "date-skew" => options.date_skew = text()?.parse()?,
                "fault" => options.faults.push(text()?.parse()?),
                "admin" => options.admin = true,
                "until-stdin-closes" => command.until_stdin_closes = true,
                other => return Err(format!("no such option: --{other}").into()),
            }
        }
        if !clients.is_empty() {
            options.clients = clients;
        }
        if origins.iter().any(|origin| origin == "*") {
            options.cors = Cors::Any;
        } else if !origins.is_empty() {
            options.cors = Cors::Origins(origins);
        }
        match (chain, key) {
            (Some(chain), Some(key)) => options.tls = Some(Tls { chain, key }),
            (None, None) => {}
            _ => return Err("--tls-chain and --tls-key go together".into()),
        }
        Ok(Some(command))
    }

    fn serve(self) -> Result<(), Box<dyn Error>> {
        let server = Server::start(self.options)?;
        let ready = json!({
            "url": server.url(),
            "issuer": server.issuer(),
            "port": server.address().port(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            // Whoever reads the line may send a signal at once, so it is listened for before.
            let mut signals = Signals::listen()?;
            println!("{ready}");
            tokio::select! {
                () = end_of_stdin(), if self.until_stdin_closes => {}
                () = signals.next() => {}
            }
            io::Result::Ok(())
        })?;
        // A blocked read of stdin must not hold up the end.
        runtime.shutdown_background();
        Ok(())
    }
}

async fn end_of_stdin() {
    let mut ignored = [0; 256];
    let mut stdin = tokio::io::stdin();
    while !matches!(stdin.read(&mut ignored).await, Ok(0) | Err(_)) {}
}

/// Ctrl-C and SIGTERM.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    parse_seconds(text).ok_or_else(|| format!("not a number of seconds: {text}"))
}

/// `NAME=JSON`; what is not JSON is taken as a string, `null` removes the field.
fn set(overrides: &mut Overrides, text: &str) -> Result<(), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is needed")?;
    overrides.insert(name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
    Ok(())
}
