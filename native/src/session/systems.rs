//! What Astro cloud and Astronomer Software have beside OAuth.

use std::sync::Arc;

use astropass_core::flow::Flow;
use astropass_core::flow::astro::Account;
use astropass_core::flow::houston::Houston;
use astropass_core::{Credentials, Dialect, Error, Grant, Named, Secret};

use super::Session;
use crate::json::parse_json;
use crate::store;

/// What a user may work in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workspaces {
    /// The organization that they are of, in Astro cloud
    pub organization: Option<Named>,
    /// The workspaces
    pub workspaces: Vec<Named>,
}

impl Session {
    /// Makes sure that a login could be stored, before the user is asked to do anything. What asks
    /// by itself does this by itself.
    ///
    /// # Errors
    /// [`Error::Store`]
    pub async fn prepare_login(&self) -> Result<(), Error> {
        store::in_login(self.0.core.prepare_login()).await
    }

    /// Signs in with a token that the user got elsewhere, once its server has accepted it.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] if the server does not; and as [`login`](Self::login).
    pub async fn login_with_token(&self, token: Secret) -> Result<Arc<Credentials>, Error> {
        let grant = store::in_login(self.0.core.accept_token(token)).await?;
        self.establish(grant).await
    }

    /// Signs in at Astronomer Software.
    ///
    /// # Errors
    /// [`Error::Server`] if the server refuses; and as [`login`](Self::login).
    pub async fn login_with_password(
        &self,
        identity: &str,
        password: Secret,
    ) -> Result<Arc<Credentials>, Error> {
        let houston = self.server().ok_or(Error::MissingServer)?;
        self.prepare_login().await?;
        let grant =
            self.run(Houston::create_token(houston, identity, password, parse_json)).await?;
        self.establish(grant).await
    }

    /// Stores the session of `grant`, even if nobody waits any more.
    pub(super) async fn establish(&self, grant: Box<Grant>) -> Result<Arc<Credentials>, Error> {
        let core = Arc::clone(&self.0.core);
        let established = self.spawn(store::in_login(async move { core.establish(grant).await }));
        established.await.map_err(|_| Error::Finished)?
    }

    /// The workspaces that the user may use: at Astro cloud those of `organization`, or of the
    /// first one.
    ///
    /// # Errors
    /// As [`token`](Self::token), and what the API server says.
    pub async fn workspaces(&self, organization: Option<&str>) -> Result<Workspaces, Error> {
        let token = self.token().await?;
        match self.workspaces_by(token.secret(), organization).await {
            Err(Error::Server(refusal)) if refusal.status == 401 && !self.is_given() => {
                let token = self.refresh(Some(token.secret())).await?;
                self.workspaces_by(token.secret(), organization).await
            }
            found => found,
        }
    }

    async fn workspaces_by(
        &self,
        token: &Secret,
        organization: Option<&str>,
    ) -> Result<Workspaces, Error> {
        let api = self.server().ok_or(Error::MissingServer)?;
        if self.provider().dialect == Dialect::Software {
            let flow = Houston::workspaces(api, token.clone(), parse_json);
            return Ok(Workspaces { organization: None, workspaces: self.run(flow).await? });
        }
        let organization = organization.map(str::to_owned);
        let found = self.run(Account::new(api, token.clone(), organization, parse_json)).await?;
        Ok(Workspaces { organization: found.organization, workspaces: found.workspaces })
    }

    async fn run<F: Flow>(&self, flow: F) -> Result<F::Output, Error> {
        astropass_core::run(flow, self.0.core.http(), self.0.core.runtime()).await
    }
}
