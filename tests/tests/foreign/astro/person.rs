//! The person who signs in, and goes on to the client's callback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use astropass_tests::foreign::{Browser, Foreign, Visitor};
use serde_json::json;

use super::login::{last_sign_in, link};

/// A client that answers its callback: 200 for the right state, 400 otherwise.
fn standing_in() -> (String, thread::JoinHandle<Vec<String>>, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepting = listener.try_clone().unwrap();
    let thread = thread::spawn(move || {
        let mut seen = Vec::new();
        for stream in accepting.incoming() {
            let mut stream = stream.unwrap();
            let line = request_line(&mut stream);
            if line.starts_with("GET /stop") {
                return seen;
            }
            let status = if line.contains("state=the-state") { 200 } else { 400 };
            let page = format!("<title>{status}</title><p>Said &amp; done");
            let head = format!("HTTP/1.1 {status} OK\r\nContent-Length: {}\r\n\r\n", page.len());
            stream.write_all(format!("{head}{page}").as_bytes()).unwrap();
            seen.push(line);
        }
        seen
    });
    (format!("http://127.0.0.1:{port}/callback"), thread, listener)
}

fn request_line(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().lines().next().unwrap().to_owned()
}

/// A standard server lets a native client choose its port (RFC 8252 section 7.3).
fn native_link(server: &Foreign, redirect_uri: &str) -> String {
    let changes = [("redirect_uri", redirect_uri), ("prompt", "consent")];
    let link = link(server, &changes).replace("client_id=&", "client_id=astropass-cli&");
    format!("{}/auth?{}", server.url(), link.split_once('?').unwrap().1)
}

#[test]
fn the_person_opens_the_callback_with_every_fault() {
    let server = Foreign::oidc_provider(&json!({})).unwrap();
    let (redirect_uri, client, listener) = standing_in();
    let link = native_link(&server, &redirect_uri);
    let visitor = Visitor::default();
    let plain = visitor.visit(&link).unwrap();
    assert_eq!(plain.pages.len(), 1);
    assert_eq!(plain.pages[0].url, plain.callback.clone().unwrap());
    assert_eq!((plain.pages[0].status, &*plain.pages[0].title), (200, "200"));
    assert_eq!(plain.pages[0].text, "Said & done");
    assert!(plain.callback.unwrap().contains("iss=http%3A%2F%2F127.0.0.1"));

    let visitor = visitor.setting("state", "evil").setting("iss", "https://evil.example");
    let evil = visitor.without("code").then_true().twice().visit(&link).unwrap();
    let statuses: Vec<_> = evil.pages.iter().map(|page| page.status).collect();
    assert_eq!(statuses, [400, 200, 200]);
    let stay = Visitor::default().denying().staying().visit(&link).unwrap();
    assert!(stay.denied && stay.callback.unwrap().contains("error=access_denied"));

    TcpStream::connect(listener.local_addr().unwrap())
        .and_then(|mut stream| stream.write_all(b"GET /stop HTTP/1.1\r\n\r\n"))
        .unwrap();
    let seen = client.join().unwrap();
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(seen[1].contains("state=evil") && seen[1].contains("iss=https%3A%2F%2Fevil.example"));
    assert!(!seen[1].contains("code=") && seen[2].contains("code="), "{seen:?}");
    assert_eq!(seen[2], seen[3]);

    // Nobody answers any more.
    drop(listener);
    let gone = Visitor::default().visit(&link).unwrap();
    assert_eq!(gone.pages[0].status, 0);
    assert!(gone.pages[0].text.contains("ECONNREFUSED"), "{gone:?}");
}

#[test]
fn the_browser_of_a_client_that_has_no_environment() {
    let server = Foreign::oidc_provider(&json!({})).unwrap();
    let browser = Browser::of(&Visitor::default().named("it's me").staying()).unwrap();
    for redirect_uri in ["http://127.0.0.1:1/callback", "http://[::1]:2/callback"] {
        let mut command = Command::new(browser.program());
        assert!(
            command.arg(native_link(&server, redirect_uri)).env_clear().status().unwrap().success()
        );
        let visit = browser.visit().unwrap();
        assert!(visit.callback.unwrap().starts_with(&format!("{redirect_uri}?code=")));
    }
    let form = last_sign_in(&server);
    assert_eq!(form["login"], "it's me");

    let mut command = Command::new(browser.program());
    command.arg(format!("{}/nothing", server.url())).env_clear().status().unwrap();
    let error = browser.visit().unwrap_err().to_string();
    assert!(error.contains("the last page says 404"), "{error}");
}
