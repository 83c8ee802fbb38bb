//! Astro cloud: what its login server, an Auth0 tenant, has of its own.

use crate::{Dialect, Endpoint, Endpoints, InvalidUrl, Provider};

/// The redirect URI that is registered for the command (protocol of `astro login`, step 3).
pub const REDIRECT_URI: &str = "http://localhost:12345/callback";

impl Provider {
    /// Astro cloud, whose login server is at `login`, for the client and the audience that the
    /// cloud's auth-config names.
    ///
    /// # Errors
    /// If `audience` makes the authorization endpoint too long.
    pub fn astro(login: &Endpoint, client_id: &str, audience: &str) -> Result<Self, InvalidUrl> {
        let endpoint = |path| login.join(path);
        let authorization = endpoint("authorize")?.with_fields(&[
            ("audience", audience),
            // Without it a browser's session would sign in the user before, unasked.
            ("prompt", "login"),
            ("response_mode", "query"),
        ])?;
        Ok(Self {
            // As Auth0 writes it, with the slash at its end.
            issuer: login.as_str().to_owned(),
            client_id: client_id.to_owned(),
            scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
            endpoints: Endpoints {
                authorization: Some(authorization),
                token: Some(endpoint("oauth/token")?),
                revocation: Some(endpoint("oauth/revoke")?),
                userinfo: Some(endpoint("userinfo")?),
                ..Endpoints::default()
            },
            dialect: Dialect::Astro,
        })
    }
}
