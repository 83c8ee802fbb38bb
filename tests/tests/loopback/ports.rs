//! Which port, and what if it is taken.

use std::net::TcpListener;

use astropass::{BrowserLogin, Error, HttpErrorKind, RedirectUri};

use crate::world::{Waiting, World, begin, status, visit};

/// A login whose registered redirect URI is `before`, a port that was free a moment ago, and `after`.
async fn begin_at_a_port(world: &World, before: &str, after: &str) -> (RedirectUri, Waiting) {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let uri = redirect_uri(&format!("{before}{port}{after}"));
        let session = world.builder().redirect_uri(uri.clone()).build().unwrap();
        match begin(session, BrowserLogin::default()).await {
            Ok(login) => return (uri, login),
            // Another one was faster, or has it in the other family.
            Err(Error::Http(error)) if error.kind == HttpErrorKind::PortTaken => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn redirect_uri(text: &str) -> RedirectUri {
    text.parse().unwrap()
}

#[tokio::test]
async fn two_logins_at_once_have_a_port_each() {
    let world = World::new();
    let (first, second) = (world.begin().await, world.begin().await);
    assert_ne!(first.authority(), second.authority());
    assert!(first.prompt.redirect_uri.starts_with("http://127.0.0.1:"));
    // The answer to one is not the other's.
    let crossed = first.callback().replace(first.authority(), second.authority());
    assert_eq!(status(&second.visit(&crossed).await), 400);
    for login in [second, first] {
        assert_eq!(status(&login.visit(&login.callback()).await), 200);
        login.end().await.unwrap();
    }
}

#[tokio::test]
async fn a_registered_port_that_is_taken_is_an_error_of_its_own() {
    let world = World::new();
    let (uri, first) = begin_at_a_port(&world, "http://localhost:", "/callback").await;
    let session = || world.builder().redirect_uri(uri.clone()).build().unwrap();
    assert_eq!(first.prompt.redirect_uri, uri.as_str());
    let Err(Error::Http(error)) = begin(session(), BrowserLogin::default()).await else {
        panic!("the port is taken")
    };
    let port = uri.port().unwrap().to_string();
    assert_eq!((error.kind, error.detail), (HttpErrorKind::PortTaken, port));

    // A paste needs no port; whoever has it refuses what is not its own.
    let second = begin(session(), BrowserLogin::default().paste_suffices(true)).await.unwrap();
    assert!(first.prompt.is_listening && !second.prompt.is_listening);
    let url = second.callback();
    assert_eq!(status(&second.visit(&url).await), 400);
    second.paste.send(url).unwrap();
    second.end().await.unwrap();
    assert!(!first.login.is_finished());
}

#[tokio::test]
async fn localhost_is_heard_in_both_families_that_there_are() {
    let world = World::new();
    let (_, registered) = begin_at_a_port(&world, "http://localhost:", "/back").await;
    let session = world.builder().redirect_uri(redirect_uri("http://localhost")).build().unwrap();
    let any = begin(session, BrowserLogin::default()).await.unwrap();
    for login in [registered, any] {
        let port = login.authority().strip_prefix("localhost:").unwrap();
        let mut heard = 0;
        for address in ["127.0.0.1", "[::1]"] {
            // A machine may lack one.
            if TcpListener::bind(format!("{address}:0")).is_ok() {
                let stream = tokio::net::TcpStream::connect(format!("{address}:{port}")).await;
                stream.expect("it listens");
                heard += 1;
            }
        }
        assert!(heard > 0);
        let answer = login.visit(&login.callback()).await;
        assert_eq!(status(&answer), 200, "{answer}");
        login.end().await.unwrap();
    }
}

#[tokio::test]
async fn without_a_port_it_is_any_and_the_rest_stays() {
    let world = World::new();
    let uri = redirect_uri("http://127.0.0.1/oauth/done");
    assert_eq!((uri.as_str(), uri.port()), ("http://127.0.0.1/oauth/done", None));
    let session = world.builder().redirect_uri(uri).build().unwrap();
    let login = begin(session, BrowserLogin::default()).await.unwrap();
    let expected = format!("http://{}/oauth/done", login.authority());
    assert_eq!(login.prompt.redirect_uri, expected);
    assert_eq!(status(&visit(login.authority(), &login.callback()).await), 200);
    login.end().await.unwrap();
}

#[test]
fn only_a_url_of_this_machine_is_a_redirect_uri() {
    for (text, problem) in [
        ("https://localhost:1/callback", "it must begin with http://"),
        ("http://example.com:1/callback", "its host is not localhost, 127.0.0.1 or [::1]"),
        ("http://127.0.0.2:1/callback", "its host is not localhost, 127.0.0.1 or [::1]"),
        ("http:///callback", "it has no host"),
        ("http://me@localhost:1/callback", "it has a user name in it"),
        ("http://localhost:1/callback?a=b", "it has a query"),
        ("http://localhost:1/callback#a", "it has a fragment (#)"),
        ("http://localhost:0/callback", "its port is not between 1 and 65535"),
        ("callback", "it must begin with http://"),
        ("", "it must begin with http://"),
    ] {
        let error = text.parse::<RedirectUri>().unwrap_err().to_string();
        assert!(error.contains(problem), "{text}: {error}");
    }
    assert_eq!(redirect_uri("http://[::1]:8400/callback").port(), Some(8400));
    assert_eq!(redirect_uri("HTTP://LOCALHOST:8400").port(), Some(8400));
}
