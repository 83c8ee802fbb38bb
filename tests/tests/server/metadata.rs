use astropass_tests::client::{call, get};
use astropass_tests::server::{Cors, Options, PrivateCa, Server};
use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN,
};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::{eager, sign_in, start, text};

fn document(server: &Server, path: &str) -> Value {
    let reply = get(&format!("{}{path}", server.url())).send().unwrap();
    if reply.status() == 200 { reply.json() } else { json!(reply.status().as_u16()) }
}

#[test]
fn each_document_has_an_endpoint_that_the_other_lacks() {
    let server = start(eager());
    let oauth = document(&server, "/.well-known/oauth-authorization-server");
    let openid = document(&server, "/.well-known/openid-configuration");
    for both in [&oauth, &openid] {
        assert_eq!(both["issuer"], server.url());
        assert_eq!(both["token_endpoint"], format!("{}/token", server.url()));
    }
    assert!(oauth["revocation_endpoint"].is_string() && oauth.get("userinfo_endpoint").is_none());
    assert!(openid["userinfo_endpoint"].is_string() && openid.get("revocation_endpoint").is_none());
}

#[test]
fn an_issuer_with_a_path_has_its_documents_where_each_standard_says() {
    let server = start(Options { issuer_path: "/tenant".to_owned(), ..eager() });
    assert_eq!(server.issuer(), format!("{}/tenant", server.url()));
    let oauth = document(&server, "/.well-known/oauth-authorization-server/tenant");
    let openid = document(&server, "/tenant/.well-known/openid-configuration");
    assert_eq!(
        (&oauth["issuer"], &openid["issuer"]),
        (&json!(server.issuer()), &json!(server.issuer()))
    );
    for wrong in [
        "/.well-known/oauth-authorization-server",
        "/tenant/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/token",
    ] {
        assert_eq!(document(&server, wrong), 404, "{wrong}");
    }
    sign_in(&server, "openid");
}

#[test]
fn documents_can_be_missing_and_can_lie() {
    let mut options = Options { oauth_metadata: false, ..eager() };
    options.metadata.insert("issuer".to_owned(), json!("https://evil.example"));
    options.metadata.insert("device_authorization_endpoint".to_owned(), Value::Null);
    let server = start(options);
    assert_eq!(document(&server, "/.well-known/oauth-authorization-server"), 404);
    let openid = document(&server, "/.well-known/openid-configuration");
    assert_eq!(openid["issuer"], "https://evil.example");
    assert!(openid.get("device_authorization_endpoint").is_none());
}

#[test]
fn tokens_are_signed_with_the_published_key() {
    use base64::Engine;
    let decode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let server = start(eager());
    let tokens = sign_in(&server, "openid");
    let jwks = document(&server, "/jwks");
    let key = &jwks["keys"][0];
    let point = [&[4][..], &decode(text(key, "x")), &decode(text(key, "y"))].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    for name in ["access_token", "id_token"] {
        let (signed, signature) = text(&tokens, name).rsplit_once('.').unwrap();
        key.verify(signed.as_bytes(), &decode(signature)).unwrap();
        assert!(key.verify(b"something else", &decode(signature)).is_err());
    }
}

#[test]
fn userinfo_shows_what_the_scopes_allow() {
    let server = start(eager());
    let userinfo = |scope: &str| {
        let tokens = sign_in(&server, scope);
        let url = format!("{}/userinfo", server.url());
        get(&url).bearer(text(&tokens, "access_token")).send().unwrap()
    };
    assert_eq!(userinfo("openid profile").json()["name"], "Ada Lovelace");
    assert!(userinfo("openid").json().get("name").is_none());
    assert_eq!(userinfo("email").status(), 403);
}

#[test]
fn only_configured_origins_may_read() {
    let page = "http://localhost:5173";
    let server = start(Options { cors: Cors::Origins(vec![page.to_owned()]), ..eager() });
    let url = format!("{}/token", server.url());
    let preflight = |origin: &str| {
        let call = call(Method::OPTIONS, &url).header(ORIGIN, origin);
        call.header(ACCESS_CONTROL_REQUEST_METHOD, "POST").send().unwrap()
    };
    let allowed = preflight(page);
    assert_eq!(
        (allowed.status().as_u16(), allowed.header(&ACCESS_CONTROL_ALLOW_ORIGIN)),
        (204, Some(page))
    );
    assert_eq!(allowed.header(&ACCESS_CONTROL_ALLOW_HEADERS), Some("authorization, content-type"));
    assert_eq!(preflight("http://evil.example").header(&ACCESS_CONTROL_ALLOW_ORIGIN), None);

    server.configure(|options| options.cors = Cors::Any);
    let reply = get(&format!("{}/jwks", server.url())).header(ORIGIN, page).send().unwrap();
    assert_eq!(reply.header(&ACCESS_CONTROL_ALLOW_ORIGIN), Some("*"));
    server.configure(|options| options.cors = Cors::Off);
    assert_eq!(preflight(page).status(), 405);
}

#[test]
fn other_addresses_than_loopback_are_refused() {
    let listen = "0.0.0.0:0".parse().unwrap();
    assert!(Server::start(Options { listen, ..eager() }).is_err());
}

#[test]
fn tls_is_trusted_by_those_who_know_the_private_authority() {
    let ca = PrivateCa::generate().unwrap();
    let options =
        Options { tls: Some(ca.tls.clone()), host: Some("localhost".to_owned()), ..eager() };
    let server = start(options);
    assert_eq!(server.url(), format!("https://localhost:{}", server.address().port()));
    assert!(tls_get(&server, &ca.certificate).unwrap().contains(server.url()));
    let stranger = PrivateCa::generate().unwrap();
    assert!(tls_get(&server, &stranger.certificate).is_err());
}

/// Reads the metadata over TLS, trusting one authority.
fn tls_get(server: &Server, authority: &str) -> std::io::Result<String> {
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.address()).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let request = b"GET /.well-known/openid-configuration HTTP/1.1\r\n\
            Host: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await?;
        Ok(reply)
    })
}
