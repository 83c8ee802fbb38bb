//! What a server is told when it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Map, Value};

use super::fault::Fault;
use super::tls::Tls;

/// Fields to put into a JSON object the server sends; `null` removes the field.
pub type Overrides = Map<String, Value>;

/// The settings of one server; `Options::default()` is a strict one with RFC behaviour.
///
/// Durations keep their sub-second part when the server decides what has expired. What is told to
/// clients (`expires_in`, `interval`, `exp`) is in whole seconds, rounded up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen. Must be a loopback address; port 0 asks for a free one.
    pub listen: SocketAddr,
    /// The host name used in URLs instead of the address, such as `localhost`.
    pub host: Option<String>,
    /// A path such as `/tenant`: the issuer and its endpoints live under it, `/user_management`,
    /// `/api` and `/device` do not. Empty for none.
    pub issuer_path: String,
    /// Serve TLS with this certificate.
    pub tls: Option<Tls>,
    /// Which browser origins may read responses.
    pub cors: Cors,

    /// The registered public clients; others are `invalid_client`.
    pub clients: Vec<Client>,
    /// The scopes a client may ask for.
    pub scopes: Vec<String>,
    /// The people who can approve.
    pub users: Vec<User>,
    /// The organizations users can be members of.
    pub organizations: Vec<Organization>,
    /// The rows of `GET /api/v1/projects`.
    pub projects: Vec<Project>,
    /// Approve every login at once.
    pub auto_approve: Option<Approval>,

    /// Lifetime of authorization codes.
    pub authorization_code_ttl: Duration,
    /// Lifetime of device and user codes.
    pub device_code_ttl: Duration,
    /// The least time between two polls, reported as `interval`. `None` reports nothing and
    /// enforces the 5 seconds of RFC 8628 section 3.2. Sooner polls get `slow_down`, and 5 more
    /// seconds.
    pub interval: Option<Duration>,
    /// Lifetime of access tokens.
    pub access_token_ttl: Duration,
    /// Lifetime of a refresh token, counted anew for each rotated one.
    pub refresh_token_ttl: Duration,
    /// Lifetime of ID tokens.
    pub id_token_ttl: Duration,
    /// What a refresh does to the refresh token.
    pub rotation: Rotation,
    /// Whether a second use of a refresh token revokes its whole session.
    pub reuse_detection: bool,
    /// For how long the last used refresh token still gets the same answer again.
    pub grace: Duration,
    /// Issue access tokens that are not JWTs.
    pub opaque_access_tokens: bool,

    /// Which bodies the two WorkOS endpoints read.
    pub workos_bodies: Bodies,
    /// Answer a WorkOS login of somebody with organizations, who picked none, with
    /// `organization_selection_required`.
    pub workos_organization_required: bool,

    /// Serve `/.well-known/oauth-authorization-server`.
    pub oauth_metadata: bool,
    /// Serve `/.well-known/openid-configuration`.
    pub openid_configuration: bool,
    /// Changes to both metadata documents: drop an endpoint, lie about `issuer`.
    pub metadata: Overrides,
    /// Changes to device authorization responses.
    pub device_response: Overrides,
    /// Changes to authorization responses: another `iss`, or none.
    pub callback: Overrides,
    /// Changes to token responses.
    pub token_response: Overrides,
    /// Changes to the claims of ID tokens.
    pub id_token: Overrides,
    /// `Cross-Origin-Opener-Policy` of the page that asks: `same-origin` cuts a popup off.
    pub opener_policy: Option<String>,

    /// How far the `Date` header is off, in seconds.
    pub date_skew: i64,
    /// Faults that are set from the start.
    pub faults: Vec<Fault>,
    /// Serve `/_test/`, through which another process can approve, revoke, advance the clock, set
    /// faults and read statistics and every token.
    pub admin: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            host: None,
            issuer_path: String::new(),
            tls: None,
            cors: Cors::Off,
            clients: vec![Client::new("client_test", "Test Terminal")],
            scopes: ["openid", "profile", "email", "offline_access", "projects"]
                .map(str::to_owned)
                .to_vec(),
            users: default_users(),
            organizations: vec![
                Organization::new("org_engines", "Analytical Engines"),
                Organization::new("org_navy", "Navy Computing"),
            ],
            projects: default_projects(),
            auto_approve: None,
            authorization_code_ttl: Duration::from_secs(60),
            device_code_ttl: Duration::from_secs(300),
            interval: Some(Duration::from_secs(5)),
            access_token_ttl: Duration::from_secs(300),
            refresh_token_ttl: Duration::from_secs(30 * 86_400),
            id_token_ttl: Duration::from_secs(3600),
            rotation: Rotation::Rotate,
            reuse_detection: true,
            grace: Duration::ZERO,
            opaque_access_tokens: false,
            workos_bodies: Bodies::Any,
            workos_organization_required: false,
            oauth_metadata: true,
            openid_configuration: true,
            metadata: Overrides::new(),
            device_response: Overrides::new(),
            callback: Overrides::new(),
            token_response: Overrides::new(),
            id_token: Overrides::new(),
            opener_policy: None,
            date_skew: 0,
            faults: Vec::new(),
            admin: false,
        }
    }
}

fn default_users() -> Vec<User> {
    vec![
        User::new("user_ada", "ada@example.com", "Ada", "Lovelace")
            .member("org_engines", "admin")
            .member("org_navy", "member"),
        User::new("user_grace", "grace@example.com", "Grace", "Hopper").member("org_navy", "admin"),
    ]
}

fn default_projects() -> Vec<Project> {
    [
        ("proj_1", "Bernoulli numbers", "acct_ada"),
        ("proj_2", "Mill and store", "org_engines"),
        ("proj_3", "Punched cards", "org_engines"),
        ("proj_4", "Compiler", "org_navy"),
        ("proj_5", "Nanoseconds", "acct_grace"),
    ]
    .map(|(id, name, account)| Project {
        id: id.to_owned(),
        name: name.to_owned(),
        account: account.to_owned(),
    })
    .to_vec()
}

/// A registered public client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// What the pages call it.
    pub name: String,
    /// Where it wants its users back, to the byte; empty for anywhere on loopback.
    pub redirect_uris: Vec<String>,
}

impl Client {
    /// A client that wants its users back anywhere on loopback.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), redirect_uris: Vec::new() }
    }
}

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `sub`.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The id of the user's personal account in `GET /api/v1/me`.
    pub account: String,
    /// Organization ids, and the role there.
    pub memberships: Vec<(String, String)>,
}

impl User {
    /// A user without organizations. `user_ada` has the personal account `acct_ada`.
    pub fn new(id: &str, email: &str, first_name: &str, last_name: &str) -> Self {
        Self {
            id: id.to_owned(),
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            account: format!("acct_{}", id.strip_prefix("user_").unwrap_or(id)),
            memberships: Vec::new(),
        }
    }

    /// Makes the user a member of an organization.
    #[must_use]
    pub fn member(mut self, organization: &str, role: &str) -> Self {
        self.memberships.push((organization.to_owned(), role.to_owned()));
        self
    }

    /// The role in an organization.
    pub(super) fn role(&self, organization: &str) -> Option<&str> {
        self.memberships.iter().find(|(id, _)| id == organization).map(|(_, role)| role.as_str())
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `org_id`.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Organization {
    /// An organization.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into() }
    }
}

/// A row of `GET /api/v1/projects`, seen by those who act for its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A personal account's or an organization's id.
    pub account: String,
}

/// Who approves a login, and for which organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approval {
    /// Id or e-mail address; the first user if absent.
    pub user: Option<String>,
    /// An organization's id; the personal account if absent.
    pub organization: Option<String>,
}

/// What a refresh does to the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// A new one each time; the old one must not be used again.
    Rotate,
    /// The response repeats the one that was sent.
    Same,
    /// The response has none; the one that was sent stays valid.
    Omit,
}

/// Which request bodies an endpoint reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// JSON and form.
    Any,
    /// JSON only.
    Json,
    /// Form only.
    Form,
}

/// Which browser origins may read responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    /// None: no CORS headers at all.
    Off,
    /// All of them, by `*`.
    Any,
    /// These, such as `http://localhost:5173`.
    Origins(Vec<String>),
}
