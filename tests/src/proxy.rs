//! An HTTP proxy for tunnels (RFC 9110 section 9.3.6), which keeps a copy of all that it sees.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Runs until the test ends.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Vec<String>,
    bytes: Vec<u8>,
}

/// Where the tunnel to a `host:port` leads.
type Route = dyn Fn(&str) -> Option<SocketAddr> + Send + Sync;

impl Proxy {
    /// Listens on loopback. A tunnel leads to where `route` says for its `host:port`; what it does
    /// not know is answered 502, and what is no tunnel, 403.
    ///
    /// # Errors
    ///
    /// If no port is free.
    pub fn start(
        route: impl Fn(&str) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let all = Arc::clone(&seen);
        let route: Arc<Route> = Arc::new(route);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (seen, route) = (Arc::clone(&all), Arc::clone(&route));
                // A connection that breaks is the client's to complain about.
                thread::spawn(move || serve(&client, &*route, &seen));
            }
        });
        Ok(Self { address, seen })
    }

    /// What `HTTPS_PROXY` is set to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line of each request to the proxy itself.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        lock(&self.seen).requests.clone()
    }

    /// What went through the tunnels, both ways.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.seen).bytes.clone()
    }
}

fn serve(mut client: &TcpStream, route: &Route, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let request = head.lines().next().unwrap_or_default().to_owned();
    lock(seen).requests.push(request.clone());
    let tunnel = request.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    let Some(target) = tunnel else { return refuse(client, "403 Forbidden") };
    let Some(address) = route(target) else { return refuse(client, "502 Bad Gateway") };
    let upstream = TcpStream::connect(address)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    thread::scope(|scope| {
        scope.spawn(|| copy(reader, &upstream, seen));
        copy(&upstream, client, seen)
    })
}

fn refuse(mut client: &TcpStream, status: impl fmt::Display) -> io::Result<()> {
    write!(client, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
}

fn copy(mut from: impl Read, mut to: &TcpStream, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while let Some(chunk @ [_, ..]) = from.read(&mut buffer).map(|n| buffer.get(..n))? {
        lock(seen).bytes.extend_from_slice(chunk);
        to.write_all(chunk)?;
    }
    to.shutdown(Shutdown::Write)
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
