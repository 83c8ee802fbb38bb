//! Issuing tokens for a session, in the shape of its dialect.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::device::override_fields;
use super::route::Dialect;
use super::state::{AccessToken, RefreshToken, Session, State};
use super::token::{CryptoFailed, whole_seconds};
use super::userinfo;

impl State {
    pub(super) fn refresh_token(
        &mut self,
        session: &Session,
        now: Duration,
    ) -> Result<String, CryptoFailed> {
        let token = self.mint.opaque("rt")?;
        self.journal.issued.push(token.clone());
        let expires_at = now + self.options.refresh_token_ttl;
        let record = RefreshToken { session: session.id.clone(), expires_at, used: None };
        self.refresh_tokens.insert(token.clone(), record);
        Ok(token)
    }

    /// A token response with a new access token.
    pub(super) fn answer(
        &mut self,
        session: &Session,
        refresh_token: Option<&str>,
        scopes: &[String],
        now: Duration,
    ) -> Result<Value, CryptoFailed> {
        let access_token = self.access_token(session, scopes, now)?;
        let mut answer = Map::new();
        if session.dialect == Dialect::Workos {
            put(&mut answer, "user", workos_user(session));
            if let Some(organization) = &session.organization {
                put(&mut answer, "organization_id", organization.as_str());
            }
            put(&mut answer, "authentication_method", "SSO");
        }
        put(&mut answer, "access_token", access_token);
        if let Some(token) = refresh_token {
            put(&mut answer, "refresh_token", token);
        }
        if session.dialect == Dialect::Standard {
            put(&mut answer, "token_type", "Bearer");
            put(&mut answer, "expires_in", whole_seconds(self.options.access_token_ttl));
            put(&mut answer, "scope", scopes.join(" "));
            if scopes.iter().any(|scope| scope == "openid") {
                put(&mut answer, "id_token", self.id_token(session, scopes, now)?);
            }
        }
        override_fields(&mut answer, &self.options.token_response);
        Ok(Value::Object(answer))
    }

    fn access_token(
        &mut self,
        session: &Session,
        scopes: &[String],
        now: Duration,
    ) -> Result<String, CryptoFailed> {
        let token = if self.options.opaque_access_tokens {
            self.mint.opaque("at")?
        } else {
            self.mint.jwt(&self.access_claims(session, scopes, now)?)?
        };
        self.journal.issued.push(token.clone());
        let record = AccessToken {
            session: session.id.clone(),
            organization: session.organization.clone(),
            expires_at: now + self.options.access_token_ttl,
        };
        self.access_tokens.insert(token.clone(), record);
        Ok(token)
    }

    fn access_claims(
        &self,
        session: &Session,
        scopes: &[String],
        now: Duration,
    ) -> Result<Map<String, Value>, CryptoFailed> {
        let mut claims = Map::new();
        match session.dialect {
            Dialect::Workos => put(&mut claims, "iss", self.url.as_str()),
            Dialect::Standard => {
                put(&mut claims, "iss", self.issuer());
                put(&mut claims, "aud", format!("{}/api", self.url));
                put(&mut claims, "client_id", session.client.as_str());
                put(&mut claims, "scope", scopes.join(" "));
            }
        }
        put(&mut claims, "sub", session.user.id.as_str());
        put(&mut claims, "sid", session.id.as_str());
        put(&mut claims, "jti", self.mint.id("canary")?);
        put(&mut claims, "iat", now.as_secs());
        put(&mut claims, "exp", now.as_secs() + whole_seconds(self.options.access_token_ttl));
        if let Some(organization) = &session.organization {
            let role = session.user.role(organization).unwrap_or("member");
            put(&mut claims, "org_id", organization.as_str());
            put(&mut claims, "role", role);
            put(&mut claims, "roles", json!([role]));
            put(&mut claims, "permissions", json!(["projects:read"]));
        }
        Ok(claims)
    }

    fn id_token(
        &mut self,
        session: &Session,
        scopes: &[String],
        now: Duration,
    ) -> Result<String, CryptoFailed> {
        let mut claims = userinfo::claims(&session.user, scopes);
        put(&mut claims, "iss", self.issuer());
        put(&mut claims, "aud", session.client.as_str());
        put(&mut claims, "iat", now.as_secs());
        put(&mut claims, "exp", now.as_secs() + whole_seconds(self.options.id_token_ttl));
        put(&mut claims, "auth_time", session.began.as_secs());
        put(&mut claims, "sid", session.id.as_str());
        if let Some(nonce) = &session.nonce {
            put(&mut claims, "nonce", nonce.as_str());
        }
        override_fields(&mut claims, &self.options.id_token);
        let token = self.mint.jwt(&claims)?;
        self.journal.issued.push(token.clone());
        Ok(token)
    }

    /// Ends a session: its refresh tokens and its access tokens are worth nothing from now on.
    pub(super) fn end_session(&mut self, id: &str) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.revoked = true;
        }
        self.access_tokens.retain(|_, token| token.session != id);
    }
}

fn workos_user(session: &Session) -> Value {
    let user = &session.user;
    json!({
        "object": "user",
        "id": user.id,
        "email": user.email,
        "email_verified": true,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "profile_picture_url": null,
    })
}

fn put(object: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    object.insert(name.to_owned(), value.into());
}
