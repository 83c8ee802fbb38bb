//! TLS for the listener.

use std::fmt;
use std::io;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate chain and its key, both PEM.
#[derive(Clone)]
pub struct Tls {
    /// The server's certificate first.
    pub chain: String,
    /// PKCS#8, SEC1 or PKCS#1.
    pub key: String,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let invalid = |error: &dyn fmt::Display| io::Error::other(format!("TLS: {error}"));
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(self.chain.as_bytes()).collect();
        let chain = chain.map_err(|error| invalid(&error))?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes());
        let key = key.map_err(|error| invalid(&error))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| invalid(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A certificate authority nobody trusts, and a server certificate from it.
#[derive(Debug)]
pub struct PrivateCa {
    /// The authority's certificate, PEM: what a client must be given to trust the server.
    pub certificate: String,
    /// What the server presents.
    pub tls: Tls,
}

impl PrivateCa {
    /// Makes new keys, and a certificate for `localhost`, `127.0.0.1` and `::1`.
    pub fn generate() -> Result<Self, rcgen::Error> {
        Self::generate_for(&["localhost", "127.0.0.1", "::1"])
    }

    /// Makes new keys, and a certificate for these host names and addresses.
    pub fn generate_for(names: &[&str]) -> Result<Self, rcgen::Error> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new([])?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.distinguished_name.push(rcgen::DnType::CommonName, "astropass private test CA");
        let certificate = ca.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(ca, ca_key);

        let key = KeyPair::generate()?;
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let leaf = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        Ok(Self { certificate, tls: Tls { chain: leaf.pem(), key: key.serialize_pem() } })
    }
}
