//! One process of a storm: it reads the session, says `ready`, and when its standard input ends,
//! asks for a token in as many tasks as its argument says. A line for each: `token …` or `error …`.

// Its output is what the tests start it for.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{Read, stdin};

use astropass::Session;
use tokio::task::JoinSet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let tasks: usize = std::env::args().nth(1).unwrap_or_default().parse()?;
    let session = Session::open_current()?;
    // The token that is about to expire is in memory.
    session.credentials().await?;
    println!("ready");
    stdin().read_to_end(&mut Vec::new())?;
    let mut asking = JoinSet::new();
    for _ in 0..tasks {
        let session = session.clone();
        asking.spawn(async move { session.token().await });
    }
    for token in asking.join_all().await {
        match token {
            Ok(token) => println!("token {}", token.expose_secret()),
            Err(error) => println!("error {}", error.code()),
        }
    }
    Ok(())
}
