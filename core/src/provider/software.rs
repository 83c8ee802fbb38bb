//! Astronomer Software: Houston in place of an OAuth server.

use crate::{Dialect, Endpoint, Endpoints, Provider};

impl Provider {
    /// Astronomer Software whose GraphQL API, Houston, is at `houston`. It issues tokens that
    /// neither expire by a date it tells nor can be refreshed or revoked.
    pub fn software(houston: &Endpoint) -> Self {
        Self {
            issuer: houston.as_str().to_owned(),
            client_id: String::new(),
            scopes: Vec::new(),
            endpoints: Endpoints::default(),
            dialect: Dialect::Software,
        }
    }
}
