//! Where to sign in: option over environment over profile over default.

use std::path::Path;

use astropass::{Dialect, Encoding, Endpoints, Error, Profile, Provider, discover};

use crate::args::Login;
use crate::context::{env, issuer_of_environment, url_of};
use crate::failure::{Failure, NETWORK};

pub(super) const WORKOS: &str = "https://api.workos.com";
const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Where a login goes, as far as that is known without asking there.
pub(super) enum Place {
    WorkOs(Provider),
    /// The issuer of a standard provider
    Standard(String),
}

impl Place {
    pub(super) fn of(login: &Login, before: Option<&Profile>) -> Result<Self, Failure> {
        let remembered = before.and_then(|profile| profile.provider.as_ref());
        let issuer = match (&login.issuer, &login.workos_url) {
            (Some(issuer), _) => Some(issuer.clone()),
            (None, Some(_)) => None,
            (None, None) => issuer_of_environment()?.or_else(|| {
                let standard = remembered.filter(|provider| provider.dialect == Dialect::Standard);
                standard.map(|provider| provider.issuer.clone())
            }),
        };
        if let Some(issuer) = issuer {
            url_of("--issuer", &issuer)?;
            return Ok(Self::Standard(issuer));
        }
        let workos = remembered.filter(|provider| matches!(provider.dialect, Dialect::WorkOs(_)));
        let base = login
            .workos_url
            .as_deref()
            .or_else(|| workos.map(|provider| provider.issuer.as_str()))
            .unwrap_or(WORKOS);
        Ok(Self::WorkOs(Provider::workos(&url_of("--workos-url", base)?, "", Encoding::Json)?))
    }

    pub(super) fn issuer(&self) -> &str {
        match self {
            Self::WorkOs(provider) => &provider.issuer,
            Self::Standard(issuer) => issuer,
        }
    }

    /// The provider with every endpoint found, and those of them that were set by hand. `before` is
    /// what is remembered of it.
    pub(super) async fn find(
        self,
        login: &Login,
        client_id: String,
        before: Option<&Profile>,
        ca_file: Option<&Path>,
    ) -> Result<(Provider, Endpoints), Failure> {
        let by_hand = endpoints_by_hand(login, before)?;
        let mut endpoints = by_hand.clone();
        let issuer = match self {
            Self::WorkOs(_) if !login.scopes.is_empty() => {
                let failure = Failure::usage("--scope is for standard providers, not for WorkOS.");
                return Err(failure.advise("Leave it out, or give --issuer URL."));
            }
            Self::WorkOs(provider) => {
                endpoints.fill_gaps(provider.endpoints);
                return Ok((Provider { client_id, endpoints, ..provider }, by_hand));
            }
            Self::Standard(issuer) => issuer,
        };
        let known = before.and_then(|profile| profile.provider.as_ref());
        let scopes = match (login.scopes.as_slice(), known) {
            ([], Some(provider)) => provider.scopes.clone(),
            ([], None) => SCOPES.map(str::to_owned).to_vec(),
            (scopes, _) => scopes.to_vec(),
        };
        let starts = by_hand.device_authorization.is_some() || by_hand.authorization.is_some();
        let sufficient = starts && by_hand.token.is_some();
        match discover(&issuer, ca_file.map(Into::into)).await {
            Ok(found) => endpoints.fill_gaps(found),
            // A server without metadata, all of whose endpoints are known; some answer 500 then.
            Err(error) if sufficient && has_no_metadata(&error) => {}
            Err(error) if matches!(&error, Error::MalformedResponse(no) if no.status == 404) => {
                return Err(Failure::new(
                    NETWORK,
                    error.code(),
                    format!(
                        "There is no provider at {issuer} that can be discovered (HTTP 404). Give --issuer exactly as the server has it, or its endpoints with --endpoint."
                    ),
                ));
            }
            Err(error) => return Err(error.into()),
        }
        let dialect = Dialect::Standard;
        Ok((Provider { issuer, client_id, scopes, endpoints, dialect }, by_hand))
    }
}

/// Whether discovery found a server, and nothing there.
pub(super) fn has_no_metadata(error: &Error) -> bool {
    matches!(
        error,
        Error::Server(_)
            | Error::MalformedResponse(_)
            | Error::Unavailable { status: 500, retry_after: 0 }
    )
}

/// The provider's host and port, which people know it by.
pub(super) fn host_of(provider: &Provider) -> &str {
    let rest = provider.issuer.split_once("://").map_or(provider.issuer.as_str(), |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// Which client signs in: option over environment over profile over default.
pub(super) fn client_id(login: &Login, before: Option<&Profile>) -> Option<String> {
    let remembered = || Some(before?.provider.as_ref()?.client_id.clone());
    login
        .client_id
        .clone()
        .or_else(|| env("ASTRO_CLIENT_ID"))
        .or_else(remembered)
        .or_else(|| option_env!("ASTRO_CLIENT_ID").map(str::to_owned))
}

/// Those of the options, and what earlier ones set.
fn endpoints_by_hand(login: &Login, before: Option<&Profile>) -> Result<Endpoints, Failure> {
    let mut endpoints = Endpoints::default();
    for given in &login.endpoints {
        let unknown = || {
            let names = Endpoints::NAMES.join(", ");
            Failure::usage(format!("In --endpoint, give NAME=URL with one of the names {names}."))
        };
        let (name, url) = given.split_once('=').ok_or_else(unknown)?;
        let slot = endpoints.by_name(name).ok_or_else(unknown)?;
        *slot = Some(url_of("--endpoint", url)?);
    }
    if let Some(profile) = before {
        endpoints.fill_gaps(profile.endpoints.clone());
    }
    Ok(endpoints)
}
