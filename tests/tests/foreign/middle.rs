//! A bad stretch of the way to a server that has no faults of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use astropass_tests::HANGS;

/// What becomes of a request.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// It is processed, and the connection breaks before the answer.
    LoseReply,
    /// It arrives twice, and the second answer comes back.
    Twice,
    /// In the answer, the one text is the other, of the same length.
    Replace(&'static str, &'static str),
}

/// Passes requests on to a server on loopback, one a connection, until the test ends.
pub(crate) struct Middle {
    url: String,
    seen: Receiver<()>,
}

impl Middle {
    /// `fate` is what each request to `upstream` meets.
    pub(crate) fn start(upstream: &str, fate: Fate) -> Self {
        let upstream = upstream.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let Some(request) = read_request(&mut client, &upstream) else { continue };
                if sender.send(()).is_err() {
                    return;
                }
                let mut answer = exchange(&upstream, &request);
                match fate {
                    Fate::LoseReply => continue,
                    Fate::Twice => answer = exchange(&upstream, &request),
                    Fate::Replace(from, to) => {
                        assert_eq!(from.len(), to.len(), "the length is in the header");
                        answer = answer.replace(from, to);
                    }
                }
                client.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, seen }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How many requests came since the last call.
    pub(crate) fn requests(&self) -> usize {
        self.seen.try_iter().count()
    }

    /// Waits until so many more have come.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        for _ in 0..count {
            self.seen.recv_timeout(HANGS).unwrap();
        }
    }
}

/// The request with the server's own name in it; `None` if the client changed its mind.
fn read_request(client: &mut TcpStream, upstream: &str) -> Option<String> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        if line == "\r\n" {
            break;
        }
        match line.to_ascii_lowercase().split_once(": ") {
            Some(("host" | "connection", _)) => continue,
            Some(("content-length", value)) => length = value.trim().parse().unwrap(),
            _ => {}
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(format!("{head}Host: {upstream}\r\nConnection: close\r\n\r\n{body}"))
}

fn exchange(upstream: &str, request: &str) -> String {
    let mut server = TcpStream::connect(upstream).unwrap();
    server.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    answer
}
