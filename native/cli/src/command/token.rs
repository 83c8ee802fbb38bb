use astropass::Dialect;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

pub(crate) async fn run(context: &Context<'_>) -> Result<(), Failure> {
    let session = context.session()?;
    let token = session.token().await?;
    if context.global.json {
        output::json(&json!({
            "access_token": token.expose_secret(),
            // Houston takes it without a word before it.
            "token_type": (session.provider().dialect != Dialect::Software).then_some("Bearer"),
            "expires_at": token.expires_at().and_then(output::rfc3339),
        }));
    } else {
        output::data(&format!("{}\n", token.expose_secret()));
    }
    Ok(())
}
