//! The machines, made of a vector's `input`.

use astropass_core::flow::astro::{Account, AuthConfig, OrganizationLookup};
use astropass_core::flow::houston::Houston;
use astropass_core::flow::{
    Device, Discover, Entropy, PastedToken, Pending, Refresh, Revoke, Userinfo,
};
use astropass_core::wire::{ParseJson, Value};
use astropass_core::{Credentials, Endpoint, Identity, Provider, Secret, Timestamp};

use super::contract::ensure;
use super::conversation::{Conversation, first_event};
use super::describe;

/// The whole conversation of `machine`.
pub(crate) fn events(
    machine: &str,
    talk: &Conversation<'_>,
    parse: ParseJson,
) -> Result<Vec<Value>, String> {
    let empty = Value::Map(Vec::new());
    let input = talk.vector.field("input").unwrap_or(&empty);
    let text = |name| input.string(name).map(str::to_owned);
    let needed = |name| input.string(name).ok_or_else(|| format!("no {name}"));
    let secret = |name| needed(name).map(|text| Secret::new(text.to_owned()));
    let endpoint = |name| Endpoint::parse(needed(name)?).map_err(|error| error.to_string());
    match machine {
        "device" => talk.run(Device::new(provider(talk)?, parse), |g| describe::grant(g)),
        "refresh" => {
            let (token, organization) = (secret("refresh_token")?, text("organization"));
            let refresh = Refresh::new(provider(talk)?, token, organization, parse);
            talk.run(refresh, |grant| describe::grant(grant))
        }
        "discover" => talk.run(Discover::new(needed("issuer")?, parse), describe::endpoints),
        "userinfo" => {
            let (token, subject) = (secret("access_token")?, text("subject"));
            let userinfo = Userinfo::new(provider(talk)?, token, subject, parse);
            talk.run(userinfo, describe::user)
        }
        "revoke" => {
            let provider = provider(talk)?;
            let credentials = Credentials {
                identity: Identity {
                    issuer: provider.issuer.clone(),
                    client_id: provider.client_id.clone(),
                    subject: None,
                    organization: None,
                },
                user: None,
                access_token: secret("access_token")?,
                refresh_token: secret("refresh_token").ok(),
                received_at: Timestamp::from_unix(0),
                lifetime: None,
                login: None,
            };
            match Revoke::new(&provider, &credentials, parse).map_err(|error| error.to_string())? {
                Some(revoke) => talk.run(revoke, |()| Value::Bool(true)),
                None => Ok(Vec::new()),
            }
        }
        "code" => code(talk, input, parse),
        "pasted_token" => {
            let pasted = PastedToken::new(provider(talk)?, secret("access_token")?, parse);
            talk.run(pasted, |grant| describe::grant(grant))
        }
        "auth_config" => {
            talk.run(AuthConfig::new(&endpoint("api")?, parse), describe::login_server)
        }
        "organization_lookup" => {
            let lookup = OrganizationLookup::new(&endpoint("api")?, needed("email")?, parse);
            talk.run(lookup, |id| id.as_deref().map_or(Value::Null, Value::from))
        }
        "account" => {
            let (token, organization) = (secret("access_token")?, text("organization"));
            let account = Account::new(&endpoint("api")?, token, organization, parse);
            talk.run(account, describe::membership)
        }
        "houston_auth_config" => {
            let houston = Houston::auth_config(&endpoint("houston")?, parse);
            talk.run(houston, describe::login_methods)
        }
        "houston_create_token" => {
            let (houston, password) = (endpoint("houston")?, secret("password")?);
            let houston = Houston::create_token(&houston, needed("identity")?, password, parse);
            talk.run(houston, |grant| describe::grant(grant))
        }
        "houston_workspaces" => {
            let (houston, token) = (endpoint("houston")?, secret("access_token")?);
            let houston = Houston::workspaces(&houston, token, parse);
            talk.run(houston, |list| describe::workspaces(list))
        }
        other => Err(format!("there is no machine {other}")),
    }
}

fn provider(talk: &Conversation<'_>) -> Result<Provider, String> {
    let stored = talk.vector.field("provider").or(talk.file.field("provider"));
    let stored = stored.ok_or("no provider")?;
    Provider::from_value(stored).ok_or_else(|| "the provider cannot be read".to_owned())
}

/// `{"redirect_uri", "entropy": 48 bytes, "parameters"?: {name: text}, "callback"?: text,
/// "after"?: seconds between the two, negative where the clock was set back}`; the vector may say
/// by `is_answer` whether the callback belongs to this login. What is pending is stored and read
/// on the way.
fn code(talk: &Conversation<'_>, input: &Value, parse: ParseJson) -> Result<Vec<Value>, String> {
    const BEGAN: i64 = 1_800_000_000;
    let mut parameters = Vec::new();
    if let Some(Value::Map(fields)) = input.field("parameters") {
        for (name, value) in fields {
            parameters.push((name.as_str(), value.as_str().ok_or("a parameter is not text")?));
        }
    }
    let (redirect_uri, entropy) =
        (input.string("redirect_uri").ok_or("no redirect_uri")?, entropy(talk, input)?);
    let provider = provider(talk)?;
    let now = Timestamp::from_unix(BEGAN);
    let begun = Pending::begin(provider, redirect_uri, &parameters, &entropy, now);
    talk.shows_no_secret(&(), &begun)?;
    let (url, pending) = match begun {
        Ok(begun) => begun,
        Err(error) => return Ok(vec![first_event("error", describe::error(&error))]),
    };
    let mut events = vec![first_event("open", url.as_str().into())];
    let stored = pending.to_value();
    talk.shows_no_secret(&stored, &Ok(&pending))?;
    let pending = Pending::from_value(stored).ok_or("what is pending cannot be read again")?;
    let Some(callback) = input.string("callback") else { return Ok(events) };
    if let Some(expected) = talk.vector.field("is_answer") {
        let is_answer = Value::Bool(pending.is_answered_by(callback));
        ensure(*expected == is_answer, "whether the callback is an answer is seen wrongly")?;
    }
    let after = match input.field("after") {
        Some(Value::Number(seconds)) => *seconds as i64,
        _ => 20,
    };
    let finished = pending.finish(callback, Timestamp::from_unix(BEGAN + after), parse);
    talk.shows_no_secret(&(), &finished)?;
    match finished {
        Ok(code) => events.extend(talk.run(code, |grant| describe::grant(grant))?),
        Err(error) => events.push(first_event("error", describe::error(&error))),
    }
    Ok(events)
}

fn entropy(talk: &Conversation<'_>, input: &Value) -> Result<Entropy, String> {
    let bytes = input.field("entropy").or(talk.file.field("entropy")).and_then(Value::as_list);
    let bytes: Vec<u8> = bytes
        .unwrap_or_default()
        .iter()
        .map(|byte| match byte {
            Value::Number(byte) => *byte as u8,
            _ => 0,
        })
        .collect();
    let bytes: [u8; 48] = bytes.try_into().map_err(|_| "the entropy is not 48 bytes")?;
    Ok(bytes.into())
}
