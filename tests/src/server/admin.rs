//! `/_test/`: what a test in another process does to the server.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::fault::Fault;
use super::journal::Event;
use super::options::Approval;
use super::params::media_type;
use super::reply::{Refusal, Reply};
use super::state::{Call, State};

/// Answers a request under `/_test/`; only called if the options say so.
pub(super) fn admin(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let path = call.request.uri().path().strip_prefix("/_test/").unwrap_or_default();
    if call.request.method() == Method::POST && media_type(call.request) != Some("application/json")
    {
        // Together with the missing CORS headers this keeps web pages out.
        return Err(Refusal::invalid_request("the body must be application/json"));
    }
    let body: Value = serde_json::from_slice(call.request.body()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let bad = |error: &dyn std::fmt::Display| Refusal::invalid_request(error.to_string());
    let mut answer = json!({});
    match (call.request.method().as_str(), path) {
        ("GET", "stats") => answer = state.journal.stats.to_json(),
        ("GET", "journal") => {
            let events: Vec<_> = state.journal.events.iter().map(Event::to_json).collect();
            answer = json!({"events": events});
        }
        ("GET", "issued") => answer = json!({"issued": state.journal.issued}),
        ("POST", "approve") => {
            let code = text("user_code").unwrap_or_default();
            let approval = Approval {
                user: text("user").map(str::to_owned),
                organization: text("organization").map(str::to_owned),
            };
            state.approve(code, &approval, call.now).map_err(|error| bad(&error))?;
        }
        ("POST", "deny") => {
            let code = text("user_code").unwrap_or_default();
            state.deny(code, call.now).map_err(|error| bad(&error))?;
        }
        ("POST", "advance") => {
            let seconds = body.get("seconds").and_then(Value::as_f64).unwrap_or(f64::NAN);
            let time = Duration::try_from_secs_f64(seconds).map_err(|error| bad(&error))?;
            state.advanced += time;
        }
        ("POST", "revoke-sessions") => state.revoke_sessions(),
        ("POST", "revoke-access-tokens") => state.revoke_access_tokens(),
        ("POST", "faults") => {
            let fault: Fault =
                text("fault").unwrap_or_default().parse().map_err(|error| bad(&error))?;
            state.faults.push(fault);
        }
        ("DELETE", "faults") => state.faults.clear(),
        _ => return Err(Refusal::NotFound),
    }
    Ok(Reply::json(StatusCode::OK, &answer))
}
