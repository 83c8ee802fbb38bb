//! The names of the originals, by way of a proxy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use astropass_tests::foreign::Domains;
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// The answer to a CONNECT, and the tunnel.
fn tunnel(domains: &Domains, authority: &str) -> (String, TcpStream) {
    let proxy = domains.proxy.url();
    let mut stream = TcpStream::connect(proxy.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    (String::from_utf8(head).unwrap().lines().next().unwrap().to_owned(), stream)
}

/// The body of the answer to a request through the tunnel, over TLS.
fn fetch(domains: &Domains, host: &str, request: &str, body: &str) -> Value {
    let (answer, stream) = tunnel(domains, &format!("{host}:443"));
    assert_eq!(answer, "HTTP/1.1 200 OK");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(domains.ca_file()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let head = format!("{request} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json");
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

#[test]
fn servers_by_their_names() {
    let domains = Domains::start("astronomer.io", "software.example", &json!({})).unwrap();
    let path = "GET /private/v1alpha1/cli/auth-config";
    let config = fetch(&domains, "api.astronomer.io", path, "");
    assert_eq!(config["domainUrl"], "https://auth.astronomer.io/");
    let metadata =
        fetch(&domains, "auth.astronomer.io", "GET /.well-known/openid-configuration", "");
    assert_eq!(metadata["issuer"], "https://auth.astronomer.io/");
    assert_eq!(metadata["token_endpoint"], "https://auth.astronomer.io/oauth/token");
    let query = json!({"query": "{authConfig{providers{url}}}"}).to_string();
    let config = fetch(&domains, "houston.software.example", "POST /v1", &query);
    let url = config["data"]["authConfig"]["providers"][0]["url"].as_str().unwrap();
    assert!(url.starts_with("https://app.software.example/login/google"), "{url}");

    let page = domains.visitor().visit("https://app.software.example/token").unwrap();
    assert_eq!(page.pages[0].title, "Your token");
    let requests = domains.servers.requests("app").unwrap();
    assert_eq!(requests[0]["headers"]["host"], "app.software.example");

    for elsewhere in ["api.astronomer.io:80", "api.astronomer.io.evil.example:443"] {
        assert_eq!(tunnel(&domains, elsewhere).0, "HTTP/1.1 502 Bad Gateway");
    }
    assert!(domains.proxy.requests().iter().all(|request| request.starts_with("CONNECT ")));
}
