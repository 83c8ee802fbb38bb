//! The server on this machine that the browser comes back to (RFC 8252 §7.3).

mod page;
mod redirect_uri;
mod site;

use std::io;
use std::net::{IpAddr, SocketAddr};

use astropass_core::{HttpError, HttpErrorKind};
use tokio::net::TcpListener;

pub use self::redirect_uri::{InvalidRedirectUri, RedirectUri};
pub(crate) use self::site::Site;

/// How often a free port is looked for that both families have.
const TRIES: usize = 8;

/// Sockets that a browser can come back to, bound before anybody is sent there.
#[derive(Debug)]
pub(crate) struct Listener {
    sockets: Vec<TcpListener>,
    redirect_uri: String,
}

impl Listener {
    /// At the redirect URI that is registered, or else on a free port: of `127.0.0.1`, or of
    /// `[::1]` where there is no IPv4.
    ///
    /// # Errors
    /// [`HttpErrorKind::PortTaken`]; [`HttpErrorKind::Connect`] where this machine has no such
    /// address.
    pub(crate) async fn bind(registered: Option<&RedirectUri>) -> Result<Self, HttpError> {
        if let Some(uri) = registered {
            return Self::at(uri).await;
        }
        let literal = |uri: &str| uri.parse::<RedirectUri>().map_err(|error| unusable(&error));
        match Self::at(&literal("http://127.0.0.1/callback")?).await {
            Ok(listener) => Ok(listener),
            Err(error) => Self::at(&literal("http://[::1]/callback")?).await.map_err(|_| error),
        }
    }

    /// For an answer that is only pasted, while another program listens at `uri`.
    pub(crate) fn none(uri: &RedirectUri) -> Self {
        Self { sockets: Vec::new(), redirect_uri: uri.as_str().to_owned() }
    }

    /// The redirect URI with the port that was bound.
    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether the browser's answer can arrive by itself.
    pub(crate) fn is_listening(&self) -> bool {
        !self.sockets.is_empty()
    }

    async fn at(uri: &RedirectUri) -> Result<Self, HttpError> {
        let mut failed = io::ErrorKind::AddrNotAvailable.into();
        for _ in 0..TRIES {
            match bind_all(uri.addresses(), uri.port()).await {
                Ok((sockets, port)) => {
                    return Ok(Self { sockets, redirect_uri: uri.with_port(port) });
                }
                // Of a free port, only the other family's may be taken.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => failed = error,
                // Ports that the system keeps for itself or for administrators are taken too.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => failed = error,
                Err(error) => return Err(unusable(&error)),
            }
            if let Some(port) = uri.port() {
                return Err(HttpError {
                    kind: HttpErrorKind::PortTaken,
                    detail: format!("{port}"),
                });
            }
        }
        Err(unusable(&failed))
    }
}

fn unusable(error: &dyn std::error::Error) -> HttpError {
    let detail = format!("no port of this machine for the browser to come back to: {error}");
    HttpError { kind: HttpErrorKind::Connect, detail }
}

/// Sockets at one port of all `addresses` that this machine has.
async fn bind_all(
    addresses: &[IpAddr],
    wanted: Option<u16>,
) -> io::Result<(Vec<TcpListener>, u16)> {
    let (mut sockets, mut port) = (Vec::new(), wanted.unwrap_or(0));
    let mut missing = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match TcpListener::bind(SocketAddr::new(*address, port)).await {
            Ok(socket) => {
                port = socket.local_addr()?.port();
                sockets.push(socket);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            // Many machines have one family only.
            Err(error) => missing = error,
        }
    }
    if sockets.is_empty() { Err(missing) } else { Ok((sockets, port)) }
}
