//! Certificates from an authority that nobody knows, and URLs without TLS.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use astropass_tests::ast::{Ast, Home};
use astropass_tests::server::{Approval, Options, PrivateCa, Server, Tls};
use rcgen::{CertificateParams, KeyPair};

use super::{error, signed_in};

/// The authority's certificate as a file in the directory that `ast` runs in.
pub(crate) fn ca_file(home: &Home, authority: &PrivateCa) -> &'static str {
    fs::write(home.path().join("ca.pem"), &authority.certificate).unwrap();
    "ca.pem"
}

/// A certificate that is its own authority.
fn self_signed() -> Tls {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    Tls { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// A server that approves at once.
pub(crate) fn server(tls: Option<&Tls>, options: Options) -> Server {
    let server = Server::start(Options {
        tls: tls.cloned(),
        auto_approve: Some(Approval::default()),
        interval: Some(Duration::from_secs(1)),
        ..options
    });
    server.unwrap()
}

/// A login by discovery that prints JSON.
pub(crate) fn login(home: &Home, server: &Server) -> Ast {
    home.ast("login --json --no-browser --store file --client-id client_test").args([
        "--issuer",
        server.issuer(),
        "--server",
        server.url(),
    ])
}

/// It is refused by the certificate, and told what to do; no request came.
#[track_caller]
fn assert_refused(login: Ast, server: &Server) {
    let (code, message) = error(&login.run(), 6);
    assert_eq!(code, "certificate_refused", "{message}");
    assert!(message.starts_with("The server's certificate was refused (127.0.0.1: "), "{message}");
    assert!(message.contains("--ca-file") && message.contains("SSL_CERT_FILE"), "{message}");
    assert!(server.events().is_empty(), "{:?}", server.events());
}

#[test]
fn private_authority_by_option() {
    let authority = PrivateCa::generate().unwrap();
    let server = server(Some(&authority.tls), Options::default());
    let home = Home::new();
    assert_refused(login(&home, &server), &server);

    let ca_file = ca_file(&home, &authority);
    signed_in(&login(&home, &server).args(["--ca-file", ca_file]).run());

    // From now on it is remembered, wherever the next command is run.
    home.age("default", 301);
    let elsewhere = Home::new();
    let token = elsewhere.ast("token").env("ASTRO_HOME", home.path());
    token.printing_a_token().run().ok();
    assert_eq!(server.stats().refreshes, 1);
    home.ast("api /api/v1/me").run().ok();
    signed_in(&home.ast("login --json --no-browser").run());
    let output = home.ast("logout").run();
    assert!(output.stderr.contains("The server confirmed"), "{output}");
}

#[test]
fn private_authority_by_environment() {
    let authority = PrivateCa::generate().unwrap();
    let server = server(Some(&authority.tls), Options::default());
    let home = Home::new();
    let ca_file = ca_file(&home, &authority);
    signed_in(&login(&home, &server).env("SSL_CERT_FILE", ca_file).run());
    home.ast("api /api/v1/me").env("SSL_CERT_FILE", ca_file).run().ok();

    // Without it nothing works that needs the server, and nothing is lost.
    let before = home.credentials();
    let (code, _) = error(&home.ast("api /api/v1/me --json").run(), 6);
    assert_eq!(code, "certificate_refused");
    home.age("default", 400);
    assert_eq!(error(&home.ast("token --json").run(), 6).0, "certificate_refused");
    home.age("default", -400);
    assert!(home.credentials() == before, "nothing is deleted");
}

#[test]
fn wrong_certificates() {
    let [authority, other] = [(); 2].map(|()| PrivateCa::generate().unwrap());
    let misnamed = PrivateCa::generate_for(&["localhost", "127.0.0.2"]).unwrap();
    let wrong =
        [(&other.tls, &authority), (&misnamed.tls, &misnamed), (&self_signed(), &authority)];
    for (tls, trusted) in wrong {
        let server = server(Some(tls), Options::default());
        let home = Home::new();
        let ca_file = ca_file(&home, trusted);
        assert_refused(login(&home, &server).args(["--ca-file", ca_file]), &server);
        assert_refused(login(&home, &server).env("SSL_CERT_FILE", ca_file), &server);
    }
}

#[test]
fn unusable_authority() {
    let server = server(Some(&PrivateCa::generate().unwrap().tls), Options::default());
    let home = Home::new();
    fs::write(home.path().join("garbage.pem"), "-----BEGIN CERTIFICATE-----\nAAAA").unwrap();
    fs::write(home.path().join("empty.pem"), "").unwrap();
    fs::write(
        home.path().join("no-der.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let (code, message) = error(&login(&home, &server).args(["--ca-file", "missing.pem"]).run(), 2);
    assert!(message.starts_with("In --ca-file, missing.pem cannot be used"), "{message}");
    assert_eq!(code, "usage");
    for file in ["garbage.pem", "empty.pem", "no-der.pem"] {
        let output = login(&home, &server).args(["--ca-file", file]).run();
        let (code, message) = error(&output, 2);
        let says = format!("In --ca-file, the CA file {}", home.path().join(file).display());
        assert!(message.starts_with(&says), "{message}");
        assert_eq!(code, "usage");
        assert!(!message.contains("network"), "{message}");
    }
    assert!(server.events().is_empty());
}

/// It was stored where nothing needed it yet, and every later command failed over TLS.
#[test]
fn an_authority_that_is_of_no_use_is_refused_without_tls_too() {
    let (plain, home) = (server(None, Options::default()), Home::new());
    fs::write(home.path().join("text.pem"), "hello\n").unwrap();
    let output = login(&home, &plain).args(["--ca-file", "text.pem"]).run();
    let (_, message) = error(&output, 2);
    assert!(message.ends_with("it has no PEM certificate in it. Give a PEM file of certificates."));
    assert!(plain.events().is_empty());
    assert!(!home.credentials_file().exists());
}

/// As in a container without the package of certificates.
#[test]
fn no_authorities_at_all() {
    let tls_only = server(Some(&PrivateCa::generate().unwrap().tls), Options::default());
    let home = Home::new();
    let (_, message) = error(&login(&home, &tls_only).env("SSL_CERT_FILE", "missing.pem").run(), 2);
    assert!(message.contains("SSL_CERT_FILE") && message.contains("no CA"), "{message}");

    let plain = server(None, Options::default());
    signed_in(&login(&home, &plain).env("SSL_CERT_FILE", "missing.pem").run());
}

/// It said "received corrupt message of type InvalidContentType".
#[test]
fn https_at_a_server_of_plain_http_names_what_is_wrong() {
    let (plain, home) = (server(None, Options::default()), Home::new());
    let issuer = plain.issuer().replace("http:", "https:");
    let login = home.ast("login --json --no-browser --client-id client_test");
    let (_, message) = error(&login.args(["--issuer", &issuer]).run(), 6);
    let says = "Cannot connect (127.0.0.1: what answers does not speak TLS). ";
    assert!(message.starts_with(says), "{message}");
}

/// Nothing is sent to a URL that is neither https nor on loopback.
#[test]
fn plain_http() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let home = Home::new();
    let options = [
        "--issuer http://login.example",
        "--workos-url http://login.example --server https://api.example",
        "--workos-url https://login.example --server http://api.example",
        "--issuer https://login.example --endpoint token=http://login.example/token",
        "--issuer http://127.0.0.1.login.example",
        "--issuer http://192.0.2.1",
        "--issuer http://localhost.login.example",
    ];
    for option in options {
        let login = home.ast("login --json --no-browser --store file --client-id client_test");
        let login = login.args(option.split_whitespace()).env("ALL_PROXY", &proxy);
        let (code, message) = error(&login.run(), 2);
        assert_eq!(code, "usage");
        assert!(message.contains("https"), "{option}: {message}");
    }
    let api = home.ast("api /api/v1/me --json").env("ASTRO_ACCESS_TOKEN", "from-outside");
    let api = api.env("ASTRO_SERVER", "http://api.example").env("ALL_PROXY", &proxy);
    let (_, message) = error(&api.run(), 2);
    assert!(message.contains("https"), "{message}");
    assert!(listener.accept().is_err(), "something was sent");
}
