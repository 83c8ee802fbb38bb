//! Proxies that the environment names.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use astropass_tests::ast::{Ast, Home};
use astropass_tests::server::{CANARY, Options, PrivateCa};

use super::tls::{ca_file, login, server};
use super::{error, signed_in};

/// A proxy that passes tunnels on, keeps a copy of all that it sees, and refuses everything else.
struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// The first line of each request.
    requests: Vec<String>,
    /// What went through the tunnels.
    bytes: Vec<u8>,
}

impl Proxy {
    /// Whatever name is asked for, the tunnel goes to `server`.
    fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let all = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, seen) = (client.unwrap(), Arc::clone(&all));
                // A connection that breaks is the client's to complain about.
                thread::spawn(move || serve(&client, server, &seen));
            }
        });
        Self { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// Nothing that it saw is a token that it can read.
    fn assert_blind(&self) {
        let seen = self.seen.lock().unwrap();
        let text = String::from_utf8_lossy(&seen.bytes);
        assert!(text.len() > 5_000, "only {} bytes went through", text.len());
        for secret in [CANARY, "client_test", "refresh_token", "POST "] {
            assert!(!text.contains(secret), "the proxy could read {secret}");
        }
    }
}

fn serve(mut client: &TcpStream, server: SocketAddr, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let request = head.lines().next().unwrap_or_default().to_owned();
    let is_tunnel = request.starts_with("CONNECT ");
    seen.lock().unwrap().requests.push(request);
    if !is_tunnel {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    }
    let upstream = TcpStream::connect(server)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    thread::scope(|scope| {
        scope.spawn(|| copy(reader, &upstream, seen));
        copy(&upstream, client, seen)
    })
}

fn copy(mut from: impl Read, mut to: &TcpStream, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while let Some(chunk @ [_, ..]) = from.read(&mut buffer).map(|n| buffer.get(..n))? {
        seen.lock().unwrap().bytes.extend_from_slice(chunk);
        to.write_all(chunk)?;
    }
    to.shutdown(std::net::Shutdown::Write)
}

fn through(ast: Ast, variable: &str, proxy: &Proxy) -> Ast {
    ast.env(variable, proxy.url())
}

#[test]
fn tunnel_to_a_name_that_only_the_proxy_knows() {
    let authority = PrivateCa::generate_for(&["login.example"]).unwrap();
    let options = Options { host: Some("login.example".to_owned()), ..Options::default() };
    let server = server(Some(&authority.tls), options);
    let proxy = Proxy::start(server.address());
    let home = Home::new();
    let ca_file = ca_file(&home, &authority);
    let output =
        through(login(&home, &server), "HTTPS_PROXY", &proxy).args(["--ca-file", ca_file]).run();
    signed_in(&output);

    home.age("default", 301);
    through(home.ast("token"), "https_proxy", &proxy).printing_a_token().run().ok();
    through(home.ast("api /api/v1/me"), "ALL_PROXY", &proxy).run().ok();
    through(home.ast("logout"), "HTTPS_PROXY", &proxy).run().ok();
    assert_eq!(server.stats().refreshes, 1);

    let tunnel = format!("CONNECT login.example:{} HTTP/1.1", server.address().port());
    let requests = proxy.requests();
    assert!(requests.len() >= 4, "{requests:?}");
    assert!(requests.iter().all(|request| *request == tunnel), "{requests:?}");
    proxy.assert_blind();
}

#[test]
fn exceptions() {
    let authority = PrivateCa::generate().unwrap();
    let server = server(Some(&authority.tls), Options::default());
    let proxy = Proxy::start(server.address());
    let home = Home::new();
    let ca_file = ca_file(&home, &authority);
    let login = login(&home, &server).args(["--ca-file", ca_file]);
    signed_in(&through(login, "HTTPS_PROXY", &proxy).env("NO_PROXY", "localhost,127.0.0.1").run());
    assert!(proxy.requests().is_empty(), "{:?}", proxy.requests());

    through(home.ast("api /api/v1/me"), "HTTPS_PROXY", &proxy).run().ok();
    assert_eq!(proxy.requests().len(), 1);
}

/// Without TLS a proxy could read the tokens, so loopback is reached without one.
#[test]
fn no_proxy_for_what_it_could_read() {
    let server = server(None, Options::default());
    let proxy = Proxy::start(server.address());
    let home = Home::new();
    signed_in(&through(login(&home, &server), "ALL_PROXY", &proxy).run());
    for variable in ["HTTP_PROXY", "http_proxy", "all_proxy"] {
        through(home.ast("api /api/v1/me"), variable, &proxy).run().ok();
    }
    assert!(proxy.requests().is_empty(), "{:?}", proxy.requests());
}

#[test]
fn unusable() {
    let server = server(Some(&PrivateCa::generate().unwrap().tls), Options::default());
    let home = Home::new();
    let (code, message) =
        error(&login(&home, &server).env("HTTPS_PROXY", "http://127.0.0.1:1").run(), 6);
    assert_eq!(code, "network");
    assert!(message.starts_with("Cannot connect (127.0.0.1: "), "{message}");
    assert!(server.events().is_empty(), "it was gone around");
}
