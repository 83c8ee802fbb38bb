//! The least that `ast token` could do: reads `credentials.json` and prints the access token in it.
//!
//! It has no JSON parser: it looks for the field's name, and so knows what no program may rely on.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_default();
    let text = std::fs::read_to_string(path)?;
    let token = text.split_once("\"access_token\": \"").and_then(|(_, rest)| rest.split_once('"'));
    let (token, _) = token.ok_or_else(|| std::io::Error::other("no token in the file"))?;
    std::io::stdout().write_all(format!("{token}\n").as_bytes())
}
