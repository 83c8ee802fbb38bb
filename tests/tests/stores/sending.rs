//! Requests to the API server.

use std::time::Duration;

use astropass::{HttpErrorKind, Request, ReqwestHttp, Secret, SendHttp, Session};
use astropass_core::Body;
use astropass_tests::HANGS;
use tokio::task::JoinSet;

use crate::home::TestHome;
use crate::server::{API, EXPIRED, FRESH, ISSUER, Server, endpoint};
use crate::session::{assert_stored, builder, get, is_ready, signed_in};

#[tokio::test]
async fn other_servers_never_get_the_token() {
    let (_home, server, session) = signed_in(FRESH).await;
    let others = [
        "https://evil.example/",
        "https://api.example.evil.example/",
        "https://api.example:444/",
        "https://api.example@evil.example/",
        "http://api.example/",
        "http://localhost/",
        "//evil.example/",
        "/\\evil.example/",
        "*",
    ];
    for other in others {
        let Ok(request) = http::Request::get(other).body(Vec::new()) else { continue };
        if let Ok(answer) = session.send(request).await {
            // What is sent at all is sent to the API server.
            assert_ne!(other.get(..4), Some("http"), "sent to {other}");
            assert!(answer.status().is_success());
        }
    }
    // Nor does an answer lead there.
    assert_eq!(session.send(get("/moved")).await.unwrap().status(), 302);
    for sent in server.log() {
        assert!(sent.url.starts_with("https://api.example/"), "{}", sent.url);
    }

    let request = http::Request::get("https://api.example/whole?a=b")
        .header("authorization", "Bearer mine")
        .body(Vec::new());
    let answer = session.send(request.unwrap()).await.unwrap();
    assert_eq!(answer.body(), br#"{"path":"/whole?a=b"}"#);
    let last = server.log().pop().unwrap();
    assert_eq!(last.token.as_deref(), Some("Bearer access-Y2FuYXJ5-1"));
}

/// Where the certificates are to come from may hang: that has the request's deadline, and keeps
/// nothing else waiting.
#[tokio::test]
#[cfg(unix)]
async fn a_ca_file_that_never_comes() {
    let home = TestHome::new();
    let pipe = home.directory().join("ca.pem");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let client = ReqwestHttp::with_ca_file(Some(pipe));
    let request = Request {
        method: "GET".to_owned(),
        endpoint: endpoint("https://127.0.0.1:1/"),
        headers: Vec::new(),
        authorization: None,
        body: Body::Empty,
        timeout: Duration::from_secs(15),
        max_body: 1,
    };
    let mut sent = client.send(request);
    // From here on only the clock can go on, and it does so by itself.
    tokio::time::pause();
    assert!(!is_ready(sent.as_mut()).await, "it waited for the file");
    let error = sent.await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (HttpErrorKind::Timeout, UNREADABLE));
}

/// How a network cuts it into pieces makes no difference to what it costs.
#[tokio::test]
async fn an_answer_takes_no_more_memory_than_its_bound() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(&[&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[b'x'; 90_000]].concat()).unwrap();
    });
    let request = Request {
        method: "GET".to_owned(),
        endpoint: endpoint(&url),
        headers: Vec::new(),
        authorization: None,
        body: Body::Empty,
        timeout: HANGS,
        max_body: 100_000,
    };
    let answer = ReqwestHttp::default().send(request).await.unwrap();
    assert_eq!(answer.body.len(), 90_000);
    assert!(answer.body.capacity() <= 100_000, "{}", answer.body.capacity());
}

const UNREADABLE: &str = "the certificates to trust cannot be read";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_401_one_refresh() {
    let (home, server, session) = signed_in(FRESH).await;
    server.refuse_token();
    let mut senders = JoinSet::new();
    for n in 0..50 {
        let session = session.clone();
        senders.spawn(async move { session.send(get(&format!("/{n}"))).await });
    }
    for answer in senders.join_all().await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(server.count(ISSUER), 1);
    assert_stored(&home.file_store(), 2).await;

    // A late one has its old token exchanged for the one that is known already.
    assert_eq!(session.token().await.unwrap().expose_secret(), "access-Y2FuYXJ5-2");
    assert_eq!(server.count(ISSUER), 1);
}

/// A server that refuses the new token too is not asked for ever.
#[tokio::test]
async fn second_401_is_the_answer() {
    let (_home, server, session) = signed_in(FRESH).await;
    server.refuse_token();
    let request = session.send(get("/"));
    server.hold(true);
    let refuse_again = async {
        server.refresh_received().await;
        server.refuse_token();
        server.hold(false);
    };
    let (answer, ()) = tokio::join!(request, refuse_again);
    assert_eq!(answer.unwrap().status(), 401);
    assert_eq!((server.count(API), server.count(ISSUER)), (2, 1));
}

#[tokio::test]
async fn given_token_is_never_stored() {
    let (home, server) = (TestHome::new(), Server::new());
    let session = Session::builder()
        .home(home.home.clone())
        .server(endpoint(API))
        .http(server.clone())
        .access_token(Secret::new("access-Y2FuYXJ5-1".to_owned()))
        .build()
        .unwrap();
    assert_eq!(session.token().await.unwrap().expose_secret(), "access-Y2FuYXJ5-1");
    assert_eq!(session.send(get("/")).await.unwrap().status(), 200);
    server.refuse_token();
    assert_eq!(session.send(get("/")).await.unwrap().status(), 401);
    assert_eq!(server.count(ISSUER), 0);
    assert!(!home.folder().exists());
}

/// A stored session is left alone by a token from outside.
#[tokio::test]
async fn given_token_beside_a_session() {
    let (home, server, _) = signed_in(EXPIRED).await;
    let before = home.text();
    let given = Secret::new("given".to_owned());
    let session = builder(&home, &server).access_token(given).server(endpoint(API));
    let session = session.build().unwrap();
    assert_eq!(session.token().await.unwrap().expose_secret(), "given");
    assert_eq!(session.send(get("/")).await.unwrap().status(), 401);
    assert_eq!((home.text(), server.count(ISSUER)), (before, 0));
}
