//! How long yup-oauth2 takes to answer with a token that it has in memory.
//!
//! `yup-oauth2-cached FILE BLOCKS CALLS`: FILE is created; prints the nanoseconds of a call in each
//! of so many blocks as a JSON array.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use yup_oauth2::storage::TokenInfo;
use yup_oauth2::{ApplicationSecret, DeviceFlowAuthenticator};

const SCOPES: [&str; 2] = ["openid", "offline_access"];

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or("FILE BLOCKS CALLS");
    let (file, blocks, calls) = (next()?, next()?.parse::<u32>()?, next()?.parse::<u32>()?);
    let token = TokenInfo {
        access_token: Some("a".repeat(372)),
        refresh_token: Some("r".repeat(32)),
        expires_at: Some(time::OffsetDateTime::now_utc() + time::Duration::HOUR),
        id_token: None,
    };
    let stored = serde_json::json!([{"scopes": SCOPES, "token": token}]);
    std::fs::write(&file, stored.to_string())?;

    let secret = ApplicationSecret { client_id: "client_test".to_owned(), ..Default::default() };
    let authenticator =
        DeviceFlowAuthenticator::builder(secret).persist_tokens_to_disk(file).build().await?;
    let mut nanoseconds = Vec::new();
    for _ in 0..blocks {
        let started = Instant::now();
        for _ in 0..calls {
            black_box(authenticator.token(&SCOPES).await?);
        }
        nanoseconds.push(started.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    println!("{}", serde_json::to_string(&nanoseconds)?);
    Ok(())
}
