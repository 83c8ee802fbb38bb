//! Everything that comes to a port of a machine but the browser that is waited for.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Duration, Instant};

use crate::world::{World, status};

#[tokio::test]
async fn what_is_not_the_answer_is_refused_and_the_answer_still_heard() {
    let world = World::new();
    let login = world.begin().await;
    let (host, url) = (login.authority().to_owned(), login.callback());
    let target = url.strip_prefix("http://").unwrap().strip_prefix(&*host).unwrap().to_owned();
    let long = "x".repeat(64 << 10);
    for (request, expected) in [
        (format!("GET /favicon.ico HTTP/1.1\r\nHost: {host}\r\n\r\n"), 404),
        (format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), 404),
        (format!("GET /callback/../callback HTTP/1.1\r\nHost: {host}\r\n\r\n"), 404),
        (format!("GET /callback HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400),
        (format!("GET /callback?code=c HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400),
        (format!("GET {target}&state=x HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400),
        (format!("POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"), 405),
        (format!("HEAD {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"), 405),
        (
            format!(
                "OPTIONS {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://a.example\r\n\r\n"
            ),
            405,
        ),
        // A page elsewhere whose name was made to lead here.
        (format!("GET {target} HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421),
        (format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"), 421),
        (format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n"), 421),
        (format!("GET http://evil.example{target} HTTP/1.1\r\nHost: {host}\r\n\r\n"), 421),
        (format!("GET {target} HTTP/1.1\r\n\r\n"), 421),
        (format!("GET {target} HTTP/1.0\r\n\r\n"), 421),
        (format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nX: {long}\r\n\r\n"), 431),
        (format!("GET /{long} HTTP/1.1\r\nHost: {host}\r\n\r\n"), 431),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\x03\x03\r\n\r\n".to_owned(), 400),
        // HTTP/2 is told nothing.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 0),
    ] {
        let answer = login.say(&request).await;
        let request: String = request.chars().take(200).collect();
        assert_eq!(status(&answer), expected, "{request}\n{answer}");
        assert!(!login.login.is_finished() && !world.is_stored(), "{request}");
    }
    let answer = login.visit(&url).await;
    assert_eq!(status(&answer), 200, "{answer}");
    login.end().await.unwrap();
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let world = World::new();
    let login = world.begin().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        let mut stream = login.connect().await;
        stream.write_all(b"GET /callback HTTP/1.1\r\nHost: 127").await.unwrap();
        silent.push(stream);
    }
    let answer = login.visit(&login.callback()).await;
    assert_eq!(status(&answer), 200, "{answer}");
    // Nor do they hold up the end.
    login.end().await.unwrap();
}

/// Held connections are few: whoever brought the answer is not thrown out by those who come later.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_waits_is_not_pushed_out() {
    let world = World::new();
    let login = world.begin().await;
    world.close();
    let (authority, url) = (login.authority().to_owned(), login.callback());
    let mut browser = login.connect().await;
    let target = url.strip_prefix("http://").unwrap().strip_prefix(&*authority).unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    browser.write_all(request.as_bytes()).await.unwrap();
    world.asked().await;
    let mut others = Vec::new();
    for _ in 0..100 {
        others.push(login.connect().await);
    }
    world.open();
    let mut answer = String::new();
    browser.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), 200, "{answer}");
    login.end().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_slow_to_speak_is_closed_after_ten_seconds() {
    let world = World::new();
    let login = world.begin().await;
    for beginning in ["", "GET /callback HTTP/1.1\r\n"] {
        let began = Instant::now();
        let mut stream = login.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        // Who is answered came later, so it is waited for this one by now.
        let answer = login.say("GET / HTTP/1.1\r\n\r\n").await;
        assert_eq!(status(&answer), 421);
        // From here on only the clock can go on, and it does so by itself.
        tokio::time::pause();
        let (spent, mut answer) = (began.elapsed(), Vec::new());
        let _ = stream.read_to_end(&mut answer).await;
        let waited = began.elapsed();
        tokio::time::resume();
        let allowed = Duration::from_secs(10)..Duration::from_secs(11) + spent;
        assert!(allowed.contains(&waited), "{beginning:?} took {waited:?}");
    }
    assert!(!login.login.is_finished());
}
