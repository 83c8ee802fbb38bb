//! RFC 8628 device authorization, and its polls.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::options::{Approval, Overrides, User};
use super::params::Params;
use super::reply::{Refusal, Reply};
use super::route::Dialect;
use super::state::{Call, Decision, Device, Session, State};
use super::token::whole_seconds;

/// What a client must assume where no interval is named, and what `slow_down` adds: both in
/// RFC 8628, sections 3.2 and 3.5.
const FIVE_SECONDS: Duration = Duration::from_secs(5);

/// Why a device code cannot be approved or denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecidable {
    /// No such code, or it has expired.
    UnknownCode,
    /// It was decided before.
    Decided,
    /// No such user.
    UnknownUser,
    /// The user is not a member of that organization.
    NotAMember,
}

impl std::fmt::Display for Undecidable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnknownCode => "this code is not known, or it has expired",
            Self::Decided => "this code was already used",
            Self::UnknownUser => "there is no such user",
            Self::NotAMember => "the user is not a member of that organization",
        })
    }
}

impl std::error::Error for Undecidable {}

/// `POST /device_authorization` and `POST /user_management/authorize/device`.
pub(super) fn authorize(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let params = state.body_params(call)?;
    let client = known_client(state, call, &params)?;
    let scopes = state.scopes(params.optional("scope"), &state.options.scopes)?;
    let decision = match &state.options.auto_approve {
        None => Decision::Pending,
        Some(approval) => state.approved(approval).unwrap_or(Decision::Denied),
    };
    let device_code = state.mint.opaque("dc")?;
    let user_code = state.mint.user_code()?;
    let ttl = state.options.device_code_ttl;
    let interval = state.options.interval;

    let shown = hyphenated(&user_code);
    let uri = format!("{}/device", state.url);
    let mut body = json!({
        "device_code": device_code,
        "user_code": shown,
        "verification_uri": uri,
        "verification_uri_complete": format!("{uri}?user_code={shown}"),
        "expires_in": whole_seconds(ttl),
    });
    if let (Some(body), Some(interval)) = (body.as_object_mut(), interval) {
        body.insert("interval".to_owned(), json!(whole_seconds(interval)));
    }
    state.journal.issued.push(device_code.clone());
    state.devices.insert(
        device_code,
        Device {
            client,
            dialect: call.dialect,
            scopes,
            nonce: params.optional("nonce").map(str::to_owned),
            user_code,
            expires_at: call.now + ttl,
            interval: interval.unwrap_or(FIVE_SECONDS),
            last_poll: None,
            decision,
        },
    );
    Ok(Reply::secret(&overridden(body, &state.options.device_response)))
}

/// A token request with the device code grant.
pub(super) fn poll(
    state: &mut State,
    call: &Call<'_>,
    client: &str,
    params: &Params,
) -> Result<Session, Refusal> {
    let code = params.required("device_code")?;
    let device = state
        .devices
        .get_mut(code)
        .filter(|device| device.client == client && device.dialect == call.dialect);
    let unknown = || Refusal::invalid_grant("the device code is not known");
    let device = device.ok_or_else(unknown)?;
    let too_soon = device.last_poll.is_some_and(|last| call.now < last + device.interval);
    device.last_poll = Some(call.now);
    if call.now >= device.expires_at {
        return Err(Refusal::bad("expired_token", "the device code has expired"));
    }
    if too_soon {
        device.interval += FIVE_SECONDS;
        return Err(Refusal::bad("slow_down", "polled sooner than the interval"));
    }
    let (user, organization) = match &device.decision {
        Decision::Pending => {
            return Err(Refusal::bad("authorization_pending", "nobody has decided yet"));
        }
        Decision::Denied => return Err(Refusal::bad("access_denied", "the user said no")),
        Decision::Redeemed => return Err(unknown()),
        Decision::Approved { user, organization } => (user.clone(), organization.clone()),
    };
    let session = Session {
        id: state.mint.id("session")?,
        client: device.client.clone(),
        dialect: device.dialect,
        user,
        organization,
        scopes: device.scopes.clone(),
        nonce: device.nonce.clone(),
        began: call.now,
        revoked: false,
    };
    device.decision = Decision::Redeemed;
    Ok(session)
}

/// A `slow_down` the client has not earned; it must keep to it nevertheless.
pub(super) fn slow_down(state: &mut State, call: &Call<'_>) -> Refusal {
    let params = state.body_params(call).unwrap_or_default();
    let device = params.optional("device_code").and_then(|code| state.devices.get_mut(code));
    if let Some(device) = device {
        device.interval += FIVE_SECONDS;
        device.last_poll = Some(call.now);
    }
    Refusal::bad("slow_down", "a fault was set")
}

/// The client of a request, which must be registered.
pub(super) fn known_client(
    state: &State,
    call: &Call<'_>,
    params: &Params,
) -> Result<String, Refusal> {
    let id = params.required("client_id")?;
    if state.options.clients.iter().any(|client| client.id == id) {
        return Ok(id.to_owned());
    }
    let status = match call.dialect {
        Dialect::Standard => StatusCode::UNAUTHORIZED,
        Dialect::Workos => StatusCode::BAD_REQUEST,
    };
    let description = "the client is not registered".to_owned();
    Err(Refusal::OAuth { status, error: "invalid_client", description })
}

impl State {
    /// The scopes of a request: all must be among `allowed`.
    pub(super) fn scopes(
        &self,
        asked: Option<&str>,
        allowed: &[String],
    ) -> Result<Vec<String>, Refusal> {
        let scopes: Vec<String> = asked
            .unwrap_or_default()
            .split(' ')
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect();
        match scopes.iter().find(|scope| !allowed.contains(scope)) {
            Some(_) => Err(Refusal::bad("invalid_scope", "a scope is not known or not granted")),
            None => Ok(scopes),
        }
    }

    /// Approves a user code, in whatever case and hyphens it was typed. At `now`.
    pub fn approve(
        &mut self,
        user_code: &str,
        approval: &Approval,
        now: Duration,
    ) -> Result<(), Undecidable> {
        let decision = self.approved(approval)?;
        self.decide(user_code, decision, now)
    }

    /// Denies a user code. At `now`.
    pub fn deny(&mut self, user_code: &str, now: Duration) -> Result<(), Undecidable> {
        self.decide(user_code, Decision::Denied, now)
    }

    fn decide(
        &mut self,
        user_code: &str,
        decision: Decision,
        now: Duration,
    ) -> Result<(), Undecidable> {
        let code = normalized(user_code);
        let mut devices = self.devices.values_mut();
        let device = devices.find(|device| device.user_code == code && now < device.expires_at);
        let device = device.ok_or(Undecidable::UnknownCode)?;
        if !matches!(device.decision, Decision::Pending) {
            return Err(Undecidable::Decided);
        }
        device.decision = decision;
        Ok(())
    }

    fn approved(&self, approval: &Approval) -> Result<Decision, Undecidable> {
        let (user, organization) = self.who(approval)?;
        Ok(Decision::Approved { user, organization })
    }

    /// The user who approves, and for which organization.
    pub(super) fn who(&self, approval: &Approval) -> Result<(User, Option<String>), Undecidable> {
        let user = match &approval.user {
            None => self.options.users.first(),
            Some(wanted) => {
                self.options.users.iter().find(|user| user.id == *wanted || user.email == *wanted)
            }
        };
        let user = user.ok_or(Undecidable::UnknownUser)?;
        let organization = approval.organization.clone();
        if organization.as_deref().is_some_and(|id| user.role(id).is_none()) {
            return Err(Undecidable::NotAMember);
        }
        Ok((user.clone(), organization))
    }

    /// The device code that is waiting under this user code.
    pub(super) fn pending(&self, user_code: &str, now: Duration) -> Option<&Device> {
        let code = normalized(user_code);
        let waiting = |device: &&Device| {
            device.user_code == code
                && now < device.expires_at
                && matches!(device.decision, Decision::Pending)
        };
        self.devices.values().find(waiting)
    }
}

/// Upper case, without hyphens and blanks: RFC 8628 section 6.1.
pub(super) fn normalized(user_code: &str) -> String {
    let letters = user_code.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

pub(super) fn hyphenated(user_code: &str) -> String {
    match user_code.split_at_checked(4) {
        Some((left, right)) => format!("{left}-{right}"),
        None => user_code.to_owned(),
    }
}

/// Puts the overrides in; `null` removes.
pub(super) fn overridden(mut body: Value, overrides: &Overrides) -> Value {
    if let Some(body) = body.as_object_mut() {
        override_fields(body, overrides);
    }
    body
}

pub(super) fn override_fields(object: &mut Map<String, Value>, overrides: &Overrides) {
    for (name, value) in overrides {
        if value.is_null() {
            object.shift_remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}
