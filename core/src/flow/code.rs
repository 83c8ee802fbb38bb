use std::sync::Arc;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Action, Exchange, Flow, Input, token};
use crate::wire::{ParseJson, Value, form_fields};
use crate::{
    Dialect, Endpoint, Error, Grant, Instant, Provider, Request, Response, Secret, ServerError,
    Timestamp, base64url,
};

/// A login by the authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636) that waits for the
/// browser to come back.
///
/// It holds the code verifier, so it is kept like a secret; it is used once, and not after
/// [`Pending::LIFETIME`].
#[derive(Clone, Debug)]
pub struct Pending {
    provider: Arc<Provider>,
    state: Secret,
    verifier: Secret,
    redirect_uri: String,
    began_at: Timestamp,
}

/// Random bytes that a login is begun with.
pub type Entropy = Zeroizing<[u8; 48]>;

impl Pending {
    /// Seconds for which a login waits for the browser.
    pub const LIFETIME: u64 = 600;

    /// Begins a login at `now`, and gives the URL to open with it.
    ///
    /// `redirect_uri` is sent as it is, since servers compare it byte for byte (RFC 9700 §2.1);
    /// `parameters` are added to those of the standards, such as `login_hint`; a `prompt` among
    /// them, or in the endpoint, stands in place of the `consent` that OpenID Connect's refresh
    /// token needs. `entropy` comes from the platform's cryptographic generator: 32 bytes become the
    /// code verifier, 43 characters (RFC 7636 §4.1), and 16 the `state`.
    ///
    /// # Errors
    /// [`Error::MissingEndpoint`], and [`Error::InvalidUrl`] for a redirect URI that is neither
    /// `https` nor loopback.
    pub fn begin(
        provider: impl Into<Arc<Provider>>,
        redirect_uri: &str,
        parameters: &[(&str, &str)],
        entropy: &Entropy,
        now: Timestamp,
    ) -> Result<(Endpoint, Self), Error> {
        let provider = provider.into();
        let endpoint = provider.endpoints.authorization.clone();
        let endpoint = endpoint.ok_or(Error::MissingEndpoint("authorization"))?;
        Endpoint::parse(redirect_uri)?;
        let (verifier, state) = entropy.split_at(32);
        let (verifier, state) = (base64url::encode(verifier), base64url::encode(state));
        // RFC 7636 §4.2
        let challenge = base64url::encode(&Sha256::digest(verifier.as_bytes()));
        let scope = provider.scope();
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", &provider.client_id),
            ("redirect_uri", redirect_uri),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        fields.extend_from_slice(parameters);
        // OpenID Connect Core §11: without it there is no refresh token.
        let asks_for = |name| provider.scopes.iter().any(|scope| scope == name);
        let (_, query) = split_query(endpoint.as_str());
        let in_query = form_fields(query).unwrap_or_default();
        let has_prompt = parameters.iter().any(|(name, _)| *name == "prompt")
            || in_query.iter().any(|(name, _)| name == "prompt");
        if provider.dialect == Dialect::Standard
            && asks_for("openid")
            && asks_for("offline_access")
            && !has_prompt
        {
            fields.push(("prompt", "consent"));
        }
        let url = endpoint.with_fields(&fields)?;
        let (state, verifier) = (Secret::new(state), Secret::new(verifier));
        let redirect_uri = redirect_uri.to_owned();
        Ok((url, Self { provider, state, verifier, redirect_uri, began_at: now }))
    }

    /// Where the login was begun.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Whether `callback`, a whole URL, is the answer to this login and not a stranger's: it has
    /// its redirect URI and its `state`.
    pub fn is_answered_by(&self, callback: &str) -> bool {
        self.answer(callback).is_ok()
    }

    /// Whether it is too late at `now` for an answer. A clock set back gives no login a longer life.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        !(0..=Self::LIFETIME as i64).contains(&now.since(self.began_at))
    }

    /// Takes the answer in, the whole URL that the browser came back to, and gives the machine that
    /// fetches the tokens.
    ///
    /// # Errors
    /// [`Error::InvalidCallback`] for a URL that is not the answer to this login, or that another
    /// issuer sent (RFC 9207); [`Error::LoginExpired`]; [`Error::AccessDenied`] and
    /// [`Error::Server`] as the server says (RFC 6749 §4.1.2.1).
    pub fn finish(self, callback: &str, now: Timestamp, parse: ParseJson) -> Result<Code, Error> {
        let answer = self.answer(callback)?;
        if self.has_expired(now) {
            return Err(Error::LoginExpired);
        }
        match answer.only("iss")? {
            Some(issuer) if issuer != self.provider.issuer => {
                return Err(Error::InvalidCallback("another issuer sent it"));
            }
            None if self.provider.endpoints.issuer_in_callback => {
                return Err(Error::InvalidCallback("it does not name its issuer"));
            }
            _ => {}
        }
        if let Some(code) = answer.only("error")?.filter(|code| !code.is_empty()) {
            let error =
                ServerError::of_callback(code, answer.only("error_description")?, &self.state);
            return Err(match error.code.as_str() {
                "access_denied" => Error::AccessDenied(Some(error)),
                _ => Error::Server(error),
            });
        }
        let code = answer.only("code")?.filter(|code| !code.is_empty());
        let code = code.ok_or(Error::InvalidCallback("it has no code"))?;
        Ok(Code {
            code: Secret::new(code.to_owned()),
            provider: self.provider,
            verifier: self.verifier,
            redirect_uri: self.redirect_uri,
            parse,
            state: Exchange::Start,
        })
    }

    /// The parameters of `callback`, if it is an answer to this login.
    fn answer(&self, callback: &str) -> Result<Answer, Error> {
        let (url, query) = split_query(callback.trim_ascii());
        let (expected, _) = split_query(&self.redirect_uri);
        let same = match (Endpoint::parse(url), Endpoint::parse(expected)) {
            (Ok(url), Ok(expected)) => url == expected,
            _ => false,
        };
        if !same {
            return Err(Error::InvalidCallback("it is not the URL that this login waits for"));
        }
        let fields = form_fields(query)
            .ok_or(Error::InvalidCallback("its parameters are not encoded as UTF-8"))?;
        let answer = Answer(fields);
        let state = answer.only("state")?.ok_or(Error::InvalidCallback("it has no state"))?;
        if !are_equal(state, self.state.expose_secret()) {
            return Err(Error::InvalidCallback("its state is another login's"));
        }
        Ok(answer)
    }

    /// The stored form. It holds secrets.
    pub fn to_value(&self) -> Value {
        let mut pending = Value::Map(Vec::new());
        pending.put("provider", Some(self.provider.to_value()));
        pending.put("state", Some(self.state.expose_secret()));
        pending.put("verifier", Some(self.verifier.expose_secret()));
        pending.put("redirect_uri", Some(self.redirect_uri.as_str()));
        pending.put("began_at", Some(Value::Number(self.began_at.as_unix() as f64)));
        pending
    }

    /// Reads the stored form; `None` if it is not one.
    pub fn from_value(mut value: Value) -> Option<Self> {
        let Some(Value::Number(began_at)) = value.field("began_at") else { return None };
        Some(Self {
            began_at: Timestamp::from_unix(*began_at as i64),
            provider: Provider::from_value(value.field("provider")?)?.into(),
            redirect_uri: value.string("redirect_uri")?.to_owned(),
            state: value.take_string("state").and_then(Secret::token)?,
            verifier: value.take_string("verifier").and_then(Secret::token)?,
        })
    }
}

/// The parameters of an authorization response (RFC 6749 §4.1.2).
struct Answer(Vec<(String, Zeroizing<String>)>);

impl Answer {
    /// The parameter `name`. RFC 6749 §3.1: it must not come twice.
    fn only(&self, name: &str) -> Result<Option<&str>, Error> {
        let mut values = self.0.iter().filter(|(field, _)| field == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (value, None) => Ok(value.map(|value| value.as_str())),
            _ => Err(Error::InvalidCallback("it has a parameter twice")),
        }
    }
}

/// `url` before its query, and the query; without the fragment that a browser may have added.
fn split_query(url: &str) -> (&str, &str) {
    let (url, _fragment) = url.split_once('#').unwrap_or((url, ""));
    url.split_once('?').unwrap_or((url, ""))
}

/// Whether both are the same. How long it takes tells only of their digests, which nobody can aim at.
fn are_equal(left: &str, right: &str) -> bool {
    Sha256::digest(left) == Sha256::digest(right)
}

/// Exchanges an authorization code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
///
/// A lost reply is not asked for again: the code works once, and a server that sees it twice is to
/// revoke what it gave for it (RFC 6749 §4.1.2).
#[derive(Debug)]
pub struct Code {
    provider: Arc<Provider>,
    code: Secret,
    verifier: Secret,
    redirect_uri: String,
    parse: ParseJson,
    state: Exchange,
}

impl Code {
    fn request(&self) -> Result<Box<Request>, Error> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", self.code.expose_secret()),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        // WorkOS compares it before it gives the code, and does not take it here.
        if !matches!(self.provider.dialect, Dialect::WorkOs(_)) {
            fields.push(("redirect_uri", &self.redirect_uri));
        }
        self.provider.token_request(&fields)
    }

    fn answered(&self, response: &Response) -> Result<Box<Grant>, Error> {
        if response.status == 200 {
            return token::grant(&self.provider, response, self.parse);
        }
        let sent = &[&self.code, &self.verifier];
        Err(Error::from_response("token response", response, self.parse, sent))
    }
}

impl Flow for Code {
    type Output = Box<Grant>;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<Box<Grant>>, Error> {
        Exchange::step(self, |it| &mut it.state, input, |it| it.request(), Self::answered)
    }
}
