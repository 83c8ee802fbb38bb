//! `hostile.json` over loopback sockets, with the client that a program has.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use astropass::{
    Endpoint, Error, HttpError, HttpFuture, Request, ReqwestHttp, Response, Secret, SendHttp,
    Session, parse_json,
};
use astropass_core::Body;
use astropass_core::wire::Value;

use super::contract::ensure;
use super::hostile::{self, Case, Hostile};
use super::json;

/// Deadline of a request that is not meant to meet it.
const DEADLINE: Duration = Duration::from_secs(60);
/// Deadline where the server is slow.
const SHORT: Duration = Duration::from_millis(25);
/// What the kernel and the client may have taken of an answer beyond the bound that is set.
const BUFFERS: u64 = 16 << 20;
/// The bound of an API server's answer.
const MOST_API: u64 = 64 << 20;
/// How many answers are awaited at once.
const THREADS: usize = 16;

#[test]
fn hostile_answers_over_sockets() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let elsewhere_url = format!("http://{}/", elsewhere.local_addr().unwrap());
    let file = std::fs::read_to_string(super::folder().join("hostile.json")).unwrap();
    let (file, elsewhere_url) = (file.as_str(), elsewhere_url.as_str());
    let failures: Vec<String> = thread::scope(|scope| {
        // Those that wait let others go on.
        let threads: Vec<_> = (0..THREADS)
            .map(|number| scope.spawn(move || run_share(number, file, elsewhere_url)))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "it was followed");
}

/// Runs each case of which this is the thread, and gives what failed. Variants are left to the run
/// in virtual time.
fn run_share(number: usize, file: &str, elsewhere: &str) -> Vec<String> {
    let server = Server::start(elsewhere);
    // The same file, for a provider that can be reached.
    let file = parse_json(file.replace("https://op.example", &server.url).as_bytes()).unwrap();
    let file = hostile::read(&file);
    let cases = hostile::cases(&file).unwrap();
    let client = Client::new();
    let own = cases.iter().filter(|case| !case.is_variant).skip(number).step_by(THREADS);
    own.filter_map(|case| {
        let failure = run(case, &server, &client).err()?;
        Some(format!("{}: {failure}", case.name))
    })
    .collect()
}

#[test]
fn every_endpoint_of_every_dialect_has_sixty_hostile_answers() {
    let file = std::fs::read(super::folder().join("hostile.json")).unwrap();
    let file = hostile::read(&parse_json(&file).unwrap());
    let mut counts = BTreeMap::new();
    for case in hostile::cases(&file).unwrap() {
        let of = case.name.split("): ").next().unwrap().to_owned();
        *counts.entry(of).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 27, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 60), "{counts:?}");
}

/// Runs one case; a client must not take more than it was allowed to.
fn run(case: &Case<'_>, server: &Server, client: &Client) -> Result<(), String> {
    let deadline = if case.class == "slow" { SHORT } else { DEADLINE };
    server.most_sent.store(0, Ordering::SeqCst);
    let most = if case.endpoint.string("machine") == Some("api") {
        server.answer(&case.hostile);
        let outcome = match client.ask_api(&server.url, deadline) {
            Ok(_) => "done",
            Err(error) => error.code(),
        };
        ensure(outcome == case.expected, &format!("{outcome} in place of {}", case.expected))?;
        MOST_API
    } else {
        case.run(parse_json, &mut |request| {
            server.answer(&case.hostile);
            Ok(client.send(request, deadline))
        })?;
        Request::MAX_BODY as u64
    };
    let sent = server.most_sent.load(Ordering::SeqCst);
    ensure(sent < most + BUFFERS, &format!("the client took {sent} bytes"))
}

/// The real client, a new one for each request: the server closes connections that another one
/// might use again.
struct Client(tokio::runtime::Runtime);

impl Client {
    fn new() -> Self {
        Self(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap())
    }

    fn send(&self, request: &Request, deadline: Duration) -> Result<Response, HttpError> {
        let mut request = request.clone();
        request.timeout = deadline;
        request.body = match request.body {
            Body::Form(form) => Body::Raw(form.expose_secret().as_bytes().to_vec().into()),
            Body::Json(value) => Body::Raw(json::text(&value).into_bytes().into()),
            other => other,
        };
        self.0.block_on(ReqwestHttp::default().send(request))
    }

    /// A session's request to its API server.
    fn ask_api(&self, url: &str, deadline: Duration) -> Result<http::Response<Vec<u8>>, Error> {
        let http = Impatient { http: ReqwestHttp::default(), deadline };
        let session = Session::builder()
            .home(astropass::Home::in_directory(std::path::Path::new("/nonexistent")))
            .access_token(Secret::new("access-Y2FuYXJ5".to_owned()))
            .server(Endpoint::parse(url).unwrap())
            .http(http)
            .build()?;
        let request = http::Request::get("/api/v1/me").body(Vec::new()).unwrap();
        self.0.block_on(session.send(request))
    }
}

/// A client with a deadline of its own.
struct Impatient {
    http: ReqwestHttp,
    deadline: Duration,
}

impl SendHttp for Impatient {
    fn send(&self, mut request: Request) -> HttpFuture<'_> {
        request.timeout = self.deadline;
        self.http.send(request)
    }
}

/// Gives each connection the answer that was set last.
struct Server {
    url: String,
    elsewhere: String,
    answers: std::sync::mpsc::Sender<Wire>,
    most_sent: std::sync::Arc<AtomicU64>,
}

/// What is written to a connection.
#[derive(Clone, Default)]
struct Wire {
    bytes: Vec<u8>,
    /// Then this, until the client has enough.
    again: Vec<u8>,
    /// Pauses between those.
    pause: Duration,
    /// Then nothing, but the connection stays.
    hangs: bool,
}

impl Server {
    fn start(elsewhere: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (answers, next) = channel();
        let most_sent = std::sync::Arc::new(AtomicU64::new(0));
        let most = std::sync::Arc::clone(&most_sent);
        thread::spawn(move || serve(&listener, &next, &most));
        Self { url, elsewhere: elsewhere.to_owned(), answers, most_sent }
    }

    fn answer(&self, hostile: &Hostile) {
        let wire = match hostile {
            Hostile::Answer { status, body } => {
                let head =
                    format!("HTTP/1.1 {status} Hostile\r\nContent-Length: {}\r\n\r\n", body.len());
                Wire { bytes: [head.as_bytes(), body].concat(), ..Wire::default() }
            }
            Hostile::Wire(mutation, good) => self.wire(mutation, good),
        };
        self.answers.send(wire).unwrap();
    }

    fn wire(&self, mutation: &Value, good: &[u8]) -> Wire {
        let parts = mutation.field("wire").and_then(Value::as_list).unwrap();
        let bytes = parts.iter().flat_map(|part| {
            let is = |name| part.field(name).is_some();
            if is("good") {
                good.to_vec()
            } else if is("length") {
                good.len().to_string().into_bytes()
            } else if is("chunk") {
                let size = format!("{:x}\r\n", good.len());
                [size.as_bytes(), good, b"\r\n"].concat()
            } else if is("elsewhere") {
                self.elsewhere.as_bytes().to_vec()
            } else {
                hostile::parts(part).unwrap()
            }
        });
        let (end, again) = (mutation.string("end"), mutation.field("again"));
        Wire {
            bytes: bytes.collect(),
            again: again.map(|again| hostile::parts(again).unwrap()).unwrap_or_default(),
            pause: if end == Some("slow") { Duration::from_millis(5) } else { Duration::ZERO },
            hangs: end == Some("hang"),
        }
    }
}

/// One connection after the other, since a conversation has one request at a time.
fn serve(listener: &TcpListener, answers: &Receiver<Wire>, most_sent: &AtomicU64) {
    for wire in answers {
        let Ok((mut stream, _)) = listener.accept() else { return };
        if read_request(&mut stream).is_some() {
            most_sent.fetch_max(write(&mut stream, &wire), Ordering::SeqCst);
        }
    }
}

/// Reads a request to its end.
fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let head = request.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if request.len() >= head + 4 + length {
                return Some(());
            }
        }
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
    }
}

/// Writes until the client has gone, and gives how much.
fn write(stream: &mut TcpStream, wire: &Wire) -> u64 {
    let mut sent = wire.bytes.len() as u64;
    if stream.write_all(&wire.bytes).is_err() {
        return sent;
    }
    while !wire.again.is_empty() && stream.write_all(&wire.again).is_ok() {
        sent += wire.again.len() as u64;
        thread::sleep(wire.pause);
    }
    if wire.hangs {
        // Until the client closes.
        let _ = stream.read(&mut [0]);
    }
    sent
}
