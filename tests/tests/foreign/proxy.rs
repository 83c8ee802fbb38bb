//! Proxies that the environment names.

use astropass_tests::ast::{Ast, Home};
use astropass_tests::proxy::Proxy;
use astropass_tests::server::{CANARY, Options, PrivateCa, Server};

use super::tls::{ca_file, login, server};
use super::{error, signed_in};

/// Whatever name is asked for, the tunnel goes to `server`.
fn proxy(server: &Server) -> Proxy {
    let address = server.address();
    Proxy::start(move |_| Some(address)).unwrap()
}

/// Nothing that it saw is a token that it can read.
fn assert_blind(proxy: &Proxy) {
    let bytes = proxy.bytes();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.len() > 5_000, "only {} bytes went through", text.len());
    for secret in [CANARY, "client_test", "refresh_token", "POST "] {
        assert!(!text.contains(secret), "the proxy could read {secret}");
    }
}

fn through(ast: Ast, variable: &str, proxy: &Proxy) -> Ast {
    ast.env(variable, proxy.url())
}

#[test]
fn tunnel_to_a_name_that_only_the_proxy_knows() {
    let authority = PrivateCa::generate_for(&["login.example"]).unwrap();
    let options = Options { host: Some("login.example".to_owned()), ..Options::default() };
    let server = server(Some(&authority.tls), options);
    let proxy = proxy(&server);
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
    assert_blind(&proxy);
}

#[test]
fn exceptions() {
    let authority = PrivateCa::generate().unwrap();
    let server = server(Some(&authority.tls), Options::default());
    let proxy = proxy(&server);
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
    let proxy = proxy(&server);
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
