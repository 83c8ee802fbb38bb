//! `make bench`: what `ast token` costs, beside what others cost on the same machine at the same time.
//!
//! Fails when a bound is missed. `ast` and the peers are found beside this program.

mod hot;
mod memory;
mod peers;
mod programs;
mod samples;
mod secret_service;
mod signed_in;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use self::programs::{Program, in_turn};
use self::signed_in::SignedIn;
use self::table::Table;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const MIB: f64 = 1024.0 * 1024.0;
/// What `ast token` may take of memory, and the program of the disk.
const MOST_BYTES: f64 = 6.0 * MIB;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        // This program is its own helper where something needs a process of its own.
        [hot::PART, home] => hot::in_this_process(home),
        [memory::PART, program, args @ ..] => memory::in_this_process(program, args),
        [secret_service::PART] => secret_service::on_this_bus(),
        [] => bench(),
        _ => Err("give no arguments".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Outcome {
    let mut table = Table::default();
    let home = SignedIn::start("file")?;
    file_store(&mut table, &home)?;
    secret_service::compare(&mut table)?;
    hot::compare(&mut table, &home)?;

    table.group("memory and size");
    match memory::peak(&home)? {
        Some(bytes) => table.bytes("ast token, peak of its memory", bytes as f64, MOST_BYTES),
        None => table.note("this system does not tell the peak of a process's memory"),
    }
    let size = std::fs::metadata(beside("ast")?)?.len() as f64;
    table.bytes("ast, the stripped program", size, MOST_BYTES);

    peers::for_the_reader(&mut table, &home)?;
    if table.print() { Ok(()) } else { Err("a bound is missed".into()) }
}

fn file_store(table: &mut Table, home: &SignedIn) -> Outcome {
    const ROUNDS: usize = 500;
    table.group("a fresh token from the file, whole process");
    let reader = Program::new("reads the file and prints", beside("read-and-print")?, home.token());
    let mut programs = vec![home.ast_token()?, reader.arg(home.file())];
    let agent = peers::OidcAgent::start(home)?;
    programs.extend(agent.as_ref().map(peers::OidcAgent::token));
    let samples = in_turn(&mut programs, ROUNDS)?;
    if let [ours, reader, rest @ ..] = samples.as_slice() {
        table.ours("ast token", ours, None);
        table.peer("only reads the file and prints", reader, ours, Some(2.0));
        match rest {
            [agent, ..] => table.peer("oidc-token, its agent running", agent, ours, Some(1.0)),
            [] => table.note("oidc-token is not installed (Debian: oidc-agent-cli)"),
        }
    }
    Ok(())
}

/// A program that is built together with this one.
fn beside(program: &str) -> Outcome<PathBuf> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::current_exe()?.with_file_name(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{} is not built; run `make bench`", path.display()).into())
}
