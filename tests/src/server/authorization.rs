//! The authorization code flow (RFC 6749 section 4.1) with PKCE (RFC 7636), which it insists on.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::uri::{Authority, Scheme};
use http::{StatusCode, Uri};
use ring::digest::{SHA256, digest};

use super::consent;
use super::device::known_client;
use super::options::Approval;
use super::params::Params;
use super::reply::{Refusal, Reply};
use super::route::Dialect;
use super::state::{Call, Session, State};

/// For how long a person may look at the page.
const PATIENCE: Duration = Duration::from_secs(600);

/// A login that a browser was sent here for.
#[derive(Clone)]
pub(super) struct Authorization {
    pub(super) client: String,
    pub(super) dialect: Dialect,
    pub(super) scopes: Vec<String>,
    pub(super) redirect_uri: String,
    /// Who the client thinks it is: RFC 6749 has no such thing, OpenID Connect Core section 3.1.2.1
    pub(super) login_hint: Option<String>,
    pub(super) organization: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    challenge: String,
    expires_at: Duration,
}

/// An authorization code, until long after its use.
pub(super) struct Code {
    login: Authorization,
    approval: Approval,
    expires_at: Duration,
    /// The session that it was exchanged for.
    session: Option<String>,
}

/// `GET /authorize` and `GET /user_management/authorize`: the page that asks, or the way back.
pub(super) fn authorize(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    begin(state, call).or_else(|refusal| match refusal {
        // A person sees it.
        Refusal::OAuth { error, description, .. } => Ok(consent::refused(error, &description)),
        refusal => Err(refusal),
    })
}

fn begin(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let params = Params::query(call.request)?;
    let client = known_client(state, call, &params)?;
    let redirect_uri = params.required("redirect_uri")?;
    // RFC 9700 section 4.11: nobody is sent where the client did not ask for.
    if !state.is_redirect_uri(&client, redirect_uri) {
        return Err(Refusal::invalid_request("the redirect URI is not registered"));
    }
    let mut login = Authorization {
        client,
        dialect: call.dialect,
        scopes: Vec::new(),
        redirect_uri: redirect_uri.to_owned(),
        login_hint: params.optional("login_hint").map(str::to_owned),
        organization: (params.optional("organization_id"))
            .or_else(|| params.optional("organization"))
            .map(str::to_owned),
        state: params.optional("state").map(str::to_owned),
        nonce: params.optional("nonce").map(str::to_owned),
        challenge: params.optional("code_challenge").unwrap_or_default().to_owned(),
        expires_at: call.now + PATIENCE,
    };
    match asked_scopes(state, &params) {
        Ok(scopes) => login.scopes = scopes,
        Err(Refusal::OAuth { error, description, .. }) => {
            return Ok(
                state.go_back(&login, &[("error", error), ("error_description", &description)])
            );
        }
        Err(refusal) => return Err(refusal),
    }
    if let Some(approval) = state.options.auto_approve.clone() {
        return state.approve_login(login, approval, call.now);
    }
    let id = state.mint.id("login")?;
    let reply = consent::ask(state, call, &id, &login)?;
    state.logins.insert(id, login);
    Ok(reply)
}

/// What is wrong with a request is told to the client, once it is known where that is.
fn asked_scopes(state: &State, params: &Params) -> Result<Vec<String>, Refusal> {
    if params.required("response_type")? != "code" {
        return Err(Refusal::bad("unsupported_response_type", "only code is offered"));
    }
    // RFC 7636 section 4.3; `plain` is what is meant where no method is named.
    if params.required("code_challenge")?.len() != 43
        || params.optional("code_challenge_method") != Some("S256")
    {
        return Err(Refusal::invalid_request("the code challenge is not one of S256"));
    }
    state.scopes(params.optional("scope"), &state.options.scopes)
}

/// A token request with the authorization code grant.
pub(super) fn redeem(
    state: &mut State,
    call: &Call<'_>,
    client: &str,
    params: &Params,
) -> Result<Session, Refusal> {
    let unknown = || Refusal::invalid_grant("the authorization code is not valid");
    let code = state.codes.get(params.required("code")?).ok_or_else(unknown)?;
    let login = &code.login;
    if login.client != client || login.dialect != call.dialect {
        return Err(unknown());
    }
    if let Some(session) = code.session.clone() {
        // RFC 6749 section 4.1.2: whoever uses it again may have stolen it.
        state.end_session(&session);
        return Err(Refusal::invalid_grant("the authorization code was used before"));
    }
    if call.now >= code.expires_at {
        return Err(Refusal::invalid_grant("the authorization code has expired"));
    }
    let same = params.optional("redirect_uri") == Some(login.redirect_uri.as_str());
    if login.dialect == Dialect::Standard && !same {
        return Err(Refusal::invalid_grant("the redirect URI is not the one of the login"));
    }
    let verifier = params.required("code_verifier")?;
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    if challenge != login.challenge {
        return Err(Refusal::invalid_grant("the code verifier does not fit the challenge"));
    }
    let (user, organization) = state.who(&code.approval).map_err(|_| unknown())?;
    let session = Session {
        id: state.mint.id("session")?,
        client: login.client.clone(),
        dialect: login.dialect,
        user,
        organization,
        scopes: login.scopes.clone(),
        nonce: login.nonce.clone(),
        began: call.now,
        revoked: false,
    };
    if let Some(code) = state.codes.get_mut(params.required("code")?) {
        code.session = Some(session.id.clone());
    }
    Ok(session)
}

impl State {
    /// Whether the client registered `uri`; one that registered none may use any on loopback
    /// (RFC 8252 section 7.3).
    fn is_redirect_uri(&self, client: &str, uri: &str) -> bool {
        let client = self.options.clients.iter().find(|known| known.id == client);
        let registered = client.map_or(&[][..], |client| &client.redirect_uris);
        registered.iter().any(|known| known == uri)
            || (registered.is_empty() && is_loopback(uri) && !uri.contains('#'))
    }

    /// The login that the page asks about.
    pub(super) fn login(&self, id: &str, now: Duration) -> Option<&Authorization> {
        self.logins.get(id).filter(|login| now < login.expires_at)
    }

    /// Sends the browser back with a code.
    pub(super) fn approve_login(
        &mut self,
        login: Authorization,
        approval: Approval,
        now: Duration,
    ) -> Result<Reply, Refusal> {
        if let Err(error) = self.who(&approval) {
            return Err(Refusal::invalid_request(error.to_string()));
        }
        let code = self.mint.opaque("ac")?;
        self.journal.issued.push(code.clone());
        let reply = self.go_back(&login, &[("code", &code)]).outcome("approved");
        let expires_at = now + self.options.authorization_code_ttl;
        self.codes.insert(code, Code { login, approval, expires_at, session: None });
        Ok(reply)
    }

    /// Sends the browser back without one.
    pub(super) fn deny_login(&self, login: &Authorization) -> Reply {
        let denial = [("error", "access_denied"), ("error_description", "The person said no.")];
        self.go_back(login, &denial).outcome("denied")
    }

    /// The authorization response (RFC 6749 section 4.1.2), with `iss` (RFC 9207) in the standard
    /// dialect and the changes that the options ask for.
    fn go_back(&self, login: &Authorization, fields: &[(&str, &str)]) -> Reply {
        let issuer = self.issuer();
        let mut fields = fields.to_vec();
        if let Some(state) = &login.state {
            fields.push(("state", state));
        }
        if login.dialect == Dialect::Standard {
            fields.push(("iss", &issuer));
        }
        let changes = &self.options.callback;
        fields.retain(|(name, _)| !changes.contains_key(*name));
        let put = |(name, value): (&'_ String, &'_ serde_json::Value)| {
            Some((name.clone(), value.as_str()?.to_owned()))
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields).extend_pairs(changes.iter().filter_map(put));
        let joint = if login.redirect_uri.contains('?') { '&' } else { '?' };
        let location = format!("{}{joint}{}", login.redirect_uri, query.finish());
        // RFC 9700 section 4.12: not 307, which would send the form along.
        Reply::redirect(StatusCode::SEE_OTHER, &location)
            .header(http::header::CACHE_CONTROL, "no-store")
            .header(http::header::REFERRER_POLICY, "no-referrer")
    }
}

fn is_loopback(uri: &str) -> bool {
    let Ok(uri) = uri.parse::<Uri>() else { return false };
    let host = uri.authority().map(Authority::host);
    uri.scheme() == Some(&Scheme::HTTP) && matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
}
