//! A stop on the way to an endpoint: the test sees a request come, and says when it goes on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use astropass_tests::HANGS;
use astropass_tests::client::post;
use serde_json::Value;

use super::World;

pub(crate) struct Gate(Receiver<Held>);

/// A request that has come and not gone on.
pub(crate) struct Held {
    client: TcpStream,
    body: Vec<u8>,
    endpoint: String,
}

impl Gate {
    /// From now on the default profile sends its token requests through the gate.
    pub(crate) fn before_token(world: &World) -> Self {
        Self::before(world, "token")
    }

    /// From now on the default profile sends its requests to the endpoint `name` through the gate.
    pub(crate) fn before(world: &World, name: &str) -> Self {
        let endpoint = world.profile()["provider"]["endpoints"][name].clone();
        let (gate, url) = Self::on_the_way_to(endpoint.as_str().unwrap());
        let through = |profile: &mut Value| profile["provider"]["endpoints"][name] = url.into();
        world.home.edit("default", through);
        gate
    }

    /// A gate before `endpoint`, and the URL that leads through it.
    pub(crate) fn on_the_way_to(endpoint: &str) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let endpoint = endpoint.to_owned();
        let (sender, held) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let body = read_body(&client);
                let held = Held { client, body, endpoint: endpoint.clone() };
                if sender.send(held).is_err() {
                    break;
                }
            }
        });
        (Self(held), url)
    }

    /// Waits for a request.
    pub(crate) fn next(&self) -> Held {
        self.0.recv_timeout(HANGS).expect("a request to the endpoint")
    }
}

impl Held {
    /// Sends the request on, and the answer back.
    pub(crate) fn answer(mut self) {
        let reply = post(&self.endpoint).body("application/json", self.body).send().unwrap();
        let head = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            reply.status(),
            reply.bytes().len()
        );
        self.client.write_all(head.as_bytes()).unwrap();
        self.client.write_all(reply.bytes()).unwrap();
    }

    /// Says in the endpoint's place that all is well.
    pub(crate) fn accept(mut self) {
        self.client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}

fn read_body(client: &TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(client);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}
