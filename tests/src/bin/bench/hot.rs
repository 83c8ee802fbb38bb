//! A token that is in memory already, asked for again and again.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use astropass::{Home, Session};

use super::programs::in_turn_by_themselves;
use super::signed_in::SignedIn;
use super::table::Table;
use super::{Outcome, beside};

pub(super) const PART: &str = "--hot";

/// Blocks of a process, and calls of a block.
const BLOCKS: u32 = 40;
const CALLS: u32 = 20_000;
const ROUNDS: usize = 10;

pub(super) fn compare(table: &mut Table, home: &SignedIn) -> Outcome {
    table.group("a token in memory, in process");
    let mut ours = Command::new(std::env::current_exe()?);
    ours.arg(PART).arg(home.path());
    let mut peer = Command::new(beside("yup-oauth2-cached")?);
    peer.arg(home.path().join("yup-oauth2.json"));
    peer.args([BLOCKS, CALLS].map(|number| number.to_string()));
    let samples = in_turn_by_themselves(&mut [ours, peer], ROUNDS)?;
    if let [ours, peer] = samples.as_slice() {
        table.ours("session.token()", ours, Some(100.0));
        table.peer("yup-oauth2 12", peer, ours, None);
    }
    Ok(())
}

/// Prints the nanoseconds of a call in each block.
pub(super) fn in_this_process(home: &str) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let times = runtime.block_on(async {
        let session = Session::builder().home(Home::in_directory(Path::new(home))).build()?;
        let mut times = Vec::new();
        for _ in 0..BLOCKS {
            let started = Instant::now();
            for _ in 0..CALLS {
                black_box(session.token().await?);
            }
            times.push(started.elapsed().as_nanos() as f64 / f64::from(CALLS));
        }
        Outcome::Ok(times)
    })?;
    anstream::println!("{}", serde_json::to_string(&times)?);
    Ok(())
}
