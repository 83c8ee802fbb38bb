//! Which endpoint a path belongs to.

use http::Method;

/// An endpoint of the server, as the journal, the statistics and the faults name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// RFC 8414 metadata.
    OauthMetadata,
    /// OpenID Connect discovery.
    OpenidConfiguration,
    /// `/authorize` and `/user_management/authorize`: the page where a person decides.
    Authorization,
    /// `/device_authorization` and `/user_management/authorize/device`.
    DeviceAuthorization,
    /// `/token` and `/user_management/authenticate`.
    Token,
    /// `/revoke`.
    Revocation,
    /// `/userinfo`.
    Userinfo,
    /// `/jwks` and `/sso/jwks/{client_id}`.
    Jwks,
    /// `/user_management/sessions/logout`.
    Logout,
    /// `/api/v1/me`.
    Me,
    /// `/api/v1/projects`.
    Projects,
    /// `/api/v1/echo`.
    Echo,
    /// `/device`: the page where a person decides.
    Verification,
    /// `/_test/`; never faulted, never counted.
    Admin,
    /// Everything else.
    Unknown,
}

const NAMES: [(Endpoint, &str); 14] = [
    (Endpoint::OauthMetadata, "oauth-metadata"),
    (Endpoint::OpenidConfiguration, "openid-configuration"),
    (Endpoint::Authorization, "authorization"),
    (Endpoint::DeviceAuthorization, "device-authorization"),
    (Endpoint::Token, "token"),
    (Endpoint::Revocation, "revocation"),
    (Endpoint::Userinfo, "userinfo"),
    (Endpoint::Jwks, "jwks"),
    (Endpoint::Logout, "logout"),
    (Endpoint::Me, "me"),
    (Endpoint::Projects, "projects"),
    (Endpoint::Echo, "echo"),
    (Endpoint::Verification, "verification"),
    (Endpoint::Admin, "admin"),
];

impl Endpoint {
    /// The name in faults, journal and statistics.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(endpoint, _)| *endpoint == self).map_or("unknown", |(_, name)| name)
    }

    /// The endpoint of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, candidate)| *candidate == name).map(|(endpoint, _)| *endpoint)
    }

    /// Whether it is a page: no script of another origin has any business there.
    pub(super) fn is_for_people(self) -> bool {
        matches!(self, Self::Authorization | Self::Verification)
    }

    pub(super) fn methods(self) -> &'static [Method] {
        const GET: &[Method] = &[Method::GET, Method::HEAD];
        const POST: &[Method] = &[Method::POST];
        const BOTH: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
        const ALL: &[Method] = &[
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ];
        match self {
            Self::DeviceAuthorization | Self::Token | Self::Revocation => POST,
            Self::Userinfo | Self::Authorization | Self::Verification => BOTH,
            Self::Echo | Self::Admin | Self::Unknown => ALL,
            _ => GET,
        }
    }
}

/// The conventions a request follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The RFCs.
    Standard,
    /// WorkOS's `/user_management`.
    Workos,
}

/// Finds the endpoint of a path; `prefix` is the issuer's path.
pub(super) fn route(path: &str, prefix: &str) -> (Endpoint, Dialect) {
    use Dialect::{Standard, Workos};
    // RFC 8414 section 3.1 puts the well-known segment before the issuer's path, OpenID Connect
    // Discovery 1.0 section 4 puts it behind.
    if path.strip_prefix("/.well-known/oauth-authorization-server") == Some(prefix) {
        return (Endpoint::OauthMetadata, Standard);
    }
    let fixed = match path {
        "/user_management/authorize" => (Endpoint::Authorization, Workos),
        "/user_management/authorize/device" => (Endpoint::DeviceAuthorization, Workos),
        "/user_management/authenticate" => (Endpoint::Token, Workos),
        "/user_management/sessions/logout" => (Endpoint::Logout, Workos),
        "/api/v1/me" => (Endpoint::Me, Standard),
        "/api/v1/projects" => (Endpoint::Projects, Standard),
        "/api/v1/echo" => (Endpoint::Echo, Standard),
        "/device" => (Endpoint::Verification, Standard),
        _ if path.starts_with("/sso/jwks/") => (Endpoint::Jwks, Workos),
        _ if path.starts_with("/_test/") => (Endpoint::Admin, Standard),
        _ => (Endpoint::Unknown, Standard),
    };
    if fixed.0 != Endpoint::Unknown {
        return fixed;
    }
    let endpoint = match path.strip_prefix(prefix) {
        Some("/.well-known/openid-configuration") => Endpoint::OpenidConfiguration,
        Some("/authorize") => Endpoint::Authorization,
        Some("/device_authorization") => Endpoint::DeviceAuthorization,
        Some("/token") => Endpoint::Token,
        Some("/revoke") => Endpoint::Revocation,
        Some("/userinfo") => Endpoint::Userinfo,
        Some("/jwks") => Endpoint::Jwks,
        _ => Endpoint::Unknown,
    };
    (endpoint, Standard)
}
