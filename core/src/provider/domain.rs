use std::fmt;

use crate::wire::concat;
use crate::{Endpoint, InvalidUrl};

/// A domain that somebody signs in to with `astro login`, and which system it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    name: String,
    system: System,
}

/// One of the two systems that have domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Astro cloud
    Cloud,
    /// Astronomer Software, hosted by its users
    Software,
}

/// What cannot be the domain of either system, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDomain(InvalidUrl);

impl fmt::Display for InvalidDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the domain cannot be used: ")?;
        f.write_str(self.0.reason())
    }
}

impl std::error::Error for InvalidDomain {}

/// The domains of Astro cloud. Exactly these: a name that only begins like one is somebody else's.
const CLOUD: [&str; 4] =
    ["astronomer.io", "astronomer-dev.io", "astronomer-stage.io", "astronomer-perf.io"];
/// Where the cloud's API listens on a developer's own machine.
const LOCAL_CLOUD: &str = "http://localhost:8888";
/// Where Houston listens there.
const LOCAL_HOUSTON: &str = "http://localhost:8871";

impl Domain {
    /// Reads a domain as people write it: a host, of the cloud with `cloud.` before it or without.
    ///
    /// # Errors
    /// What is no plain name, and an IP address.
    pub fn parse(text: &str) -> Result<Self, InvalidDomain> {
        // What is more, such as a path or a port, would silently be lost, or name another host.
        if text.bytes().any(|b| matches!(b, b'/' | b'?' | b'#' | b'\\' | b':' | b'@')) {
            return Err(InvalidDomain(InvalidUrl::NOT_A_HOST));
        }
        let url = Endpoint::parse(&concat(&["https://", text, "/"])).map_err(InvalidDomain)?;
        let host = url.host();
        let cloud = host.strip_prefix("cloud.").unwrap_or(host);
        let (name, system) = match CLOUD.contains(&cloud) {
            true => (cloud, System::Cloud),
            false => (host, System::Software),
        };
        let domain = Self { name: name.to_owned(), system };
        domain.api().map_err(|_| InvalidDomain(InvalidUrl::NO_HOSTS_BELOW))?;
        Ok(domain)
    }

    /// Reads a domain that a developer set on purpose: as [`parse`](Self::parse), but `localhost`
    /// is the cloud on this machine.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_override(text: &str) -> Result<Self, InvalidDomain> {
        let mut domain = Self::parse(text)?;
        if domain.name == "localhost" {
            domain.system = System::Cloud;
        }
        Ok(domain)
    }

    /// The domain, such as `astronomer.io`, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which system it is.
    pub fn system(&self) -> System {
        self.system
    }

    /// The cloud's API, `https://api.<domain>/`, or Houston's GraphQL endpoint,
    /// `https://houston.<domain>/v1`.
    ///
    /// # Errors
    /// If the name becomes too long for a host.
    pub fn api(&self) -> Result<Endpoint, InvalidUrl> {
        match (self.system, self.name.as_str()) {
            (System::Cloud, "localhost") => Endpoint::parse(LOCAL_CLOUD),
            (System::Cloud, name) => Endpoint::parse(&concat(&["https://api.", name])),
            (System::Software, "localhost") => Endpoint::parse(&concat(&[LOCAL_HOUSTON, "/v1"])),
            (System::Software, name) => {
                Endpoint::parse(&concat(&["https://houston.", name, "/v1"]))
            }
        }
    }

    /// The page that shows a user a token: `https://cloud.<domain>/token` or
    /// `https://app.<domain>/token`.
    ///
    /// # Errors
    /// If the name becomes too long for a host.
    pub fn token_page(&self) -> Result<Endpoint, InvalidUrl> {
        let host = match (self.system, self.name.as_str()) {
            (_, "localhost") => return Endpoint::parse("http://localhost:5000/token"),
            (System::Cloud, _) => "https://cloud.",
            (System::Software, _) => "https://app.",
        };
        Endpoint::parse(&concat(&[host, &self.name, "/token"]))
    }
}
