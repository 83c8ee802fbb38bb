use std::sync::Arc;

use crate::wire::{Value, concat};
use crate::{Secret, StoreError, Timestamp};

/// Whose session it is. Nothing that differs in any of these is ever taken for the same session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's issuer
    pub issuer: String,
    /// The client that asked
    pub client_id: String,
    /// The user: `sub`, or WorkOS's user id. Plain OAuth names none.
    pub subject: Option<String>,
    /// The organization, where the provider has them
    pub organization: Option<String>,
}

/// Who is signed in, for people to read.
///
/// The strings come from the server: pass them through [`printable`](crate::printable) first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The provider's id for the user
    pub id: String,
    /// E-mail address
    pub email: Option<String>,
    /// Full name
    pub name: Option<String>,
}

impl User {
    /// The stored form.
    fn to_value(&self) -> Value {
        let mut user = Value::Map(Vec::new());
        user.put("id", Some(self.id.as_str()));
        user.put("email", self.email.as_deref());
        user.put("name", self.name.as_deref());
        user
    }
}

/// What a login or a refresh gave.
#[derive(Clone, Debug)]
pub struct Grant {
    /// RFC 6749 §5.1
    pub access_token: Secret,
    /// RFC 6749 §1.5; absent from a refresh whose server does not rotate
    pub refresh_token: Option<Secret>,
    /// Seconds from receipt, if the server or the token names them
    pub lifetime: Option<u64>,
    /// `sub` of the ID token, or WorkOS's user id
    pub subject: Option<String>,
    /// The organization it is for
    pub organization: Option<String>,
    /// The user, if the response names one
    pub user: Option<User>,
}

/// A session: its tokens, whose they are and when they came.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose session it is
    pub identity: Identity,
    /// Who that is, if the server said so
    pub user: Option<User>,
    /// RFC 6750
    pub access_token: Secret,
    /// RFC 6749 §1.5; without one the session ends with its access token
    pub refresh_token: Option<Secret>,
    /// Local wall time at which the access token came
    pub received_at: Timestamp,
    /// Seconds from then on
    pub lifetime: Option<u64>,
    /// Which login they come from, where no subject tells that: the revision at which its first
    /// tokens were stored. `None` in those themselves.
    pub login: Option<String>,
}

/// How an access token stands at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Use it.
    Fresh,
    /// Refresh it; until that is done it may still be used.
    Stale,
    /// Do not use it.
    Expired,
}

/// An access token with its expiry. It prints as `[redacted]`; clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken(Arc<(Secret, Option<Timestamp>)>);

impl AccessToken {
    /// A token that expires at `expires_at` by the local clock, if that is known.
    pub fn new(secret: Secret, expires_at: Option<Timestamp>) -> Self {
        Self(Arc::new((secret, expires_at)))
    }

    /// The token.
    pub fn secret(&self) -> &Secret {
        &self.0.0
    }

    /// When it expires by the local clock, if that is known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.1
    }

    /// The token itself, for an `Authorization: Bearer` field.
    pub fn expose_secret(&self) -> &str {
        self.secret().expose_secret()
    }
}

/// The stored form of credentials in two parts, so that a file can hold the one and a keyring the other.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Identity, user and expiry
    pub session: Value,
    /// The tokens
    pub tokens: Value,
}

/// The version that [`Stored::tokens`] carries; a store's file has a version of its own.
const VERSION: u64 = 1;

impl Credentials {
    /// A first grant, received at `now`.
    pub fn new(issuer: &str, client_id: &str, grant: Grant, now: Timestamp) -> Self {
        Self {
            identity: Identity {
                issuer: issuer.to_owned(),
                client_id: client_id.to_owned(),
                subject: grant.subject,
                organization: grant.organization,
            },
            user: grant.user,
            access_token: grant.access_token,
            refresh_token: grant.refresh_token,
            received_at: now,
            lifetime: grant.lifetime,
            login: None,
        }
    }

    /// These credentials after a refresh. What the response left out stays (RFC 6749 §6).
    pub fn renewed(&self, grant: Grant, now: Timestamp) -> Self {
        Self {
            identity: Identity {
                subject: self.identity.subject.clone().or(grant.subject),
                organization: grant.organization.or_else(|| self.identity.organization.clone()),
                ..self.identity.clone()
            },
            user: grant.user.or_else(|| self.user.clone()),
            access_token: grant.access_token,
            refresh_token: grant.refresh_token.or_else(|| self.refresh_token.clone()),
            received_at: now,
            lifetime: grant.lifetime,
            login: self.login.clone(),
        }
    }

    /// When the access token expires by the local clock, if that is known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.lifetime.map(|lifetime| self.received_at.plus(lifetime))
    }

    /// Seconds after receipt from which on a refresh is due: the smaller of five minutes and a
    /// fifth of the lifetime before expiry.
    pub fn refresh_after(&self) -> Option<u64> {
        self.lifetime.map(|lifetime| lifetime - (lifetime / 5).min(300))
    }

    /// How the access token stands at `now`.
    ///
    /// A receipt in the future means that a clock was wrong: such a token is never fresh, and it
    /// is used only while its refresh fails. Without a known lifetime it is used until a 401.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let age = now.since(self.received_at);
        let (Some(lifetime), Some(refresh_after)) = (self.lifetime, self.refresh_after()) else {
            return Freshness::Fresh;
        };
        match u64::try_from(age) {
            Err(_) => Freshness::Stale,
            Ok(age) if age >= lifetime => Freshness::Expired,
            Ok(age) if age >= refresh_after => Freshness::Stale,
            Ok(_) => Freshness::Fresh,
        }
    }

    /// The stored form.
    pub fn to_stored(&self) -> Stored {
        let mut session = Value::Map(Vec::new());
        session.put("issuer", Some(self.identity.issuer.as_str()));
        session.put("client_id", Some(self.identity.client_id.as_str()));
        session.put("subject", self.identity.subject.as_deref());
        session.put("organization", self.identity.organization.as_deref());
        session.put("user", self.user.as_ref().map(User::to_value));
        session.put("received_at", Some(Value::Number(self.received_at.as_unix() as f64)));
        session.put("expires_in", self.lifetime);
        session.put("login", self.login.as_deref());
        let mut tokens = Value::Map(Vec::new());
        tokens.put("version", Some(VERSION));
        tokens.put("access_token", Some(self.access_token.expose_secret()));
        tokens.put("refresh_token", self.refresh_token.as_ref().map(Secret::expose_secret));
        Stored { session, tokens }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a version this program does not know, else [`StoreError::Corrupt`].
    pub fn from_stored(stored: Stored) -> Result<Self, StoreError> {
        let Stored { session, mut tokens } = stored;
        match tokens.seconds("version") {
            Some(VERSION) => {}
            Some(version) if version > VERSION => {
                return Err(StoreError::Newer(concat(&[
                    "their version is ",
                    &version.to_string(),
                ])));
            }
            _ => return Err(StoreError::Corrupt("the tokens have no version".to_owned())),
        }
        let corrupt =
            |what: &str| StoreError::Corrupt(concat(&[what, " is missing or unreadable"]));
        let text = |value: &Value, name: &str| value.string(name).map(str::to_owned);
        let received_at = match session.field("received_at") {
            Some(Value::Number(seconds)) => Timestamp::from_unix(*seconds as i64),
            _ => return Err(corrupt("received_at")),
        };
        let mut token = |name| tokens.take_string(name).and_then(Secret::token);
        let access_token = token("access_token").ok_or_else(|| corrupt("access_token"))?;
        let refresh_token = token("refresh_token");
        // Without it the session would end early and look as if the server had ended it.
        if refresh_token.is_none() && tokens.field("refresh_token").is_some() {
            return Err(corrupt("refresh_token"));
        }
        let user = session.field("user").and_then(|user| {
            Some(User {
                id: text(user, "id")?,
                email: text(user, "email"),
                name: text(user, "name"),
            })
        });
        Ok(Self {
            identity: Identity {
                issuer: text(&session, "issuer").ok_or_else(|| corrupt("issuer"))?,
                client_id: text(&session, "client_id").ok_or_else(|| corrupt("client_id"))?,
                subject: text(&session, "subject"),
                organization: text(&session, "organization"),
            },
            user,
            access_token,
            refresh_token,
            received_at,
            lifetime: session.seconds("expires_in"),
            login: text(&session, "login"),
        })
    }

    /// The access token for a caller.
    pub fn access(&self) -> AccessToken {
        AccessToken::new(self.access_token.clone(), self.expires_at())
    }
}
