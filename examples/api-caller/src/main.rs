//! Calls an API as the user who signed in with `ast login`: `api-caller [PATH]`.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use astropass::Session;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match call().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn call() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "/api/v1/me".to_owned());
    let session = Session::open_current()?;
    let response = session.send(http::Request::get(path).body(Vec::new())?).await?;
    io::stdout().write_all(response.body())?;
    Ok(())
}
