//! The servers of `astro` under the names of the originals.

use std::env;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Foreign, Visitor};
use crate::proxy::Proxy;
use crate::server::PrivateCa;

/// [`Foreign::astro`] as `auth.` and `api.` of the cloud's domain and `houston.` and `app.` of
/// Software's, with certificates from an authority that nobody trusts, and a proxy that leads there.
///
/// A client finds them with `HTTPS_PROXY` and `SSL_CERT_FILE`.
#[derive(Debug)]
pub struct Domains {
    /// The servers.
    pub servers: Foreign,
    /// The only way to them by their names.
    pub proxy: Proxy,
    hosts: [(String, u16); 4],
    folder: TempDir,
}

impl Domains {
    /// Starts all of it for the domains `cloud` and `software`, with more options for
    /// [`Foreign::astro`].
    ///
    /// # Errors
    ///
    /// As for [`Foreign::astro`], and if no certificate could be made.
    pub fn start(cloud: &str, software: &str, options: &Value) -> io::Result<Self> {
        let names = [("login", "auth", cloud), ("api", "api", cloud)]
            .into_iter()
            .chain([("houston", "houston", software), ("app", "app", software)]);
        let hosts: Vec<_> =
            names.map(|(server, name, domain)| (server, format!("{name}.{domain}"))).collect();
        let all: Vec<_> = hosts.iter().map(|(_, host)| host.as_str()).collect();
        let authority = PrivateCa::generate_for(&all).map_err(io::Error::other)?;
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        fs::write(file("ca.pem"), &authority.certificate)?;
        fs::write(file("chain.pem"), &authority.tls.chain)?;
        fs::write(file("key.pem"), &authority.tls.key)?;

        let mut options = options.clone();
        let more = options.as_object_mut().ok_or(io::ErrorKind::InvalidInput)?;
        more.insert("domain".into(), cloud.into());
        more.insert("basedomain".into(), software.into());
        more.insert("tls".into(), json!({"cert": file("chain.pem"), "key": file("key.pem")}));
        let servers = Foreign::astro(&options)?;

        let port =
            |server: &str| servers.facts().get("ports")?.get(server)?.as_u64()?.try_into().ok();
        let hosts = hosts.into_iter().map(|(server, host)| Some((host, port(server)?)));
        let hosts: Option<Vec<_>> = hosts.collect();
        let hosts = hosts.and_then(|hosts| hosts.try_into().ok());
        let hosts: [(String, u16); 4] =
            hosts.ok_or_else(|| io::Error::other("the servers do not say their ports"))?;
        let routes = hosts.clone();
        let proxy = Proxy::start(move |authority| {
            let (_, port) = routes.iter().find(|(host, _)| authority == format!("{host}:443"))?;
            Some(SocketAddr::from((Ipv4Addr::LOCALHOST, *port)))
        })?;
        Ok(Self { servers, proxy, hosts, folder })
    }

    /// The authority's certificate: what a client must be given to trust the servers.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A person whose browser finds the servers.
    pub fn visitor(&self) -> Visitor {
        let visitor = Visitor::default().trusting(&self.ca_file());
        self.hosts.iter().fold(visitor, |visitor, (host, port)| visitor.finding(host, *port))
    }
}

/// The one port that the cloud's login server sends its answer to. While it is held no other test
/// of this machine uses it.
#[derive(Debug)]
pub struct RegisteredPort(#[expect(dead_code, reason = "held, not read")] File);

impl RegisteredPort {
    /// Waits until nobody else holds it.
    ///
    /// # Errors
    ///
    /// If there is no folder for temporary files.
    pub fn hold() -> io::Result<Self> {
        let path = env::temp_dir().join("astropass-tests-port-12345");
        // It may be another user's, who is not to be kept out by this one's either.
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = File::create(&path)?;
                #[cfg(unix)]
                file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
                file
            }
            file => file?,
        };
        file.lock()?;
        Ok(Self(file))
    }
}
