//! `hostile.json` over loopback sockets, with the client that a program has.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use astropass::{
    Endpoint, HttpError, HttpErrorKind, HttpFuture, Request, ReqwestHttp, Response, SendHttp,
    parse_json,
};
use astropass_core::Body;
use astropass_core::wire::Value;

use super::contract::ensure;
use super::hostile::{self, Case, Hostile};
use super::{api, json, kept};

/// Deadline of a request that must not meet it. Servers that are not `slow` never pause, so whoever
/// waits for one waits until then.
const DEADLINE: Duration = astropass_tests::HANGS;
/// Deadline where the server is slow.
const SHORT: Duration = Duration::from_millis(25);
/// What the client may have taken of an answer beyond the bound that is set, and the kernel where it
/// does not say how much that is.
const BUFFERS: u64 = 48 << 20;
/// The bound of an API server's answer.
const MOST_API: u64 = 64 << 20;
/// How many answers are awaited at once.
const THREADS: usize = 16;

#[test]
fn hostile_answers_over_sockets() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let elsewhere_url = format!("http://{}/", elsewhere.local_addr().unwrap());
    let file = std::fs::read(super::folder().join("hostile.json")).unwrap();
    let file = hostile::read(&parse_json(&file).unwrap());
    let mut cases = hostile::cases(&file).unwrap();
    cases.retain(needs_a_connection);
    let (cases, elsewhere_url) = (cases.as_slice(), elsewhere_url.as_str());
    let failures: Vec<String> = thread::scope(|scope| {
        // Those that wait let others go on.
        let threads: Vec<_> = (0..THREADS)
            .map(|number| scope.spawn(move || run_share(number, cases, elsewhere_url)))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "it was followed");
}

/// Runs each case of which this is the thread, and gives what failed.
fn run_share(number: usize, cases: &[Case<'_>], elsewhere: &str) -> Vec<String> {
    let server = Server::start(elsewhere);
    let own = cases.iter().skip(number).step_by(THREADS);
    own.filter_map(|case| {
        let failure = run(case, &server).err()?;
        Some(format!("{}: {failure}", case.name))
    })
    .collect()
}

/// What is wrong with a status or a body is the same without one, and left to the runs in virtual
/// time, but for one server.
fn needs_a_connection(case: &Case<'_>) -> bool {
    match case.hostile {
        Hostile::Answer { .. } => api::is_asked(case) && !case.is_variant,
        Hostile::Wire(..) => true,
    }
}

/// Runs one case; a client must not take more than it was allowed to.
fn run(case: &Case<'_>, server: &Server) -> Result<(), String> {
    let client = Client::new(&server.url);
    let deadline = if case.class == "slow" { SHORT } else { DEADLINE };
    let most = if api::is_asked(case) {
        let (answers, wire) = (server.answers.clone(), server.wire(&case.hostile));
        let directed = client.directed(deadline);
        let ask = move |request| {
            answers.send(Some(wire.clone())).unwrap();
            let (http, request) = (ReqwestHttp::default(), directed(&request));
            Box::pin(async move { http.send(request).await }) as HttpFuture<'static>
        };
        client.runtime.block_on(api::keeps(case, ask))?;
        MOST_API
    } else {
        let mut has_waited = false;
        let mut hostile = |request: &Request| {
            server.answer(&case.hostile);
            let result = client.send(request, deadline);
            has_waited |= matches!(&result, Err(error) if error.kind == HttpErrorKind::Timeout);
            Ok(result)
        };
        let ways = kept::ways(case);
        for way in &ways {
            way.keeps(case, &mut hostile).map_err(|failure| format!("{way:?}: {failure}"))?;
        }
        if ways.is_empty() {
            case.run(parse_json, &mut hostile)?;
        }
        ensure(!has_waited || case.class == "slow", "it waited for what does not come")?;
        Request::MAX_BODY as u64
    };
    // With it go the connections that it has not closed yet.
    drop(client);
    let sent = server.most_sent();
    ensure(sent < most + BUFFERS + kernel_buffers(), &format!("the client took {sent} bytes"))
}

/// The most that Linux lets the buffers of a connection grow to.
fn kernel_buffers() -> u64 {
    let most = |name| {
        let sizes = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok()?;
        sizes.split_whitespace().nth(2)?.parse::<u64>().ok()
    };
    ["tcp_rmem", "tcp_wmem"].into_iter().filter_map(most).sum()
}

/// The real client, a new one for each request: the server closes connections that another one
/// might use again.
struct Client {
    server: String,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    fn new(server: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { server: server.to_owned(), runtime }
    }

    fn send(&self, request: &Request, deadline: Duration) -> Result<Response, HttpError> {
        let mut request = self.directed(deadline)(request);
        request.body = match request.body {
            Body::Form(form) => Body::Raw(form.expose_secret().as_bytes().to_vec().into()),
            Body::Json(value) => Body::Raw(json::text(&value).into_bytes().into()),
            other => other,
        };
        self.runtime.block_on(ReqwestHttp::default().send(request))
    }

    /// Leads requests to the server that can be reached.
    fn directed(&self, timeout: Duration) -> impl Fn(&Request) -> Request + use<> {
        let server = self.server.clone();
        move |request| {
            let path = request.endpoint.as_str().strip_prefix("https://op.example").unwrap();
            let endpoint = Endpoint::parse(&format!("{server}{path}")).unwrap();
            Request { endpoint, timeout, ..request.clone() }
        }
    }
}

/// Gives each connection the answer that was set last.
struct Server {
    url: String,
    elsewhere: String,
    /// What to answer; `None` asks for `sent`.
    answers: Sender<Option<Wire>>,
    /// The most that was sent to one connection since this was asked before.
    sent: Receiver<u64>,
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
        let (most_sent, sent) = channel();
        thread::spawn(move || serve(&listener, &next, &most_sent));
        Self { url, elsewhere: elsewhere.to_owned(), answers, sent }
    }

    fn most_sent(&self) -> u64 {
        self.answers.send(None).unwrap();
        self.sent.recv().unwrap()
    }

    fn answer(&self, hostile: &Hostile) {
        self.answers.send(Some(self.wire(hostile))).unwrap();
    }

    fn wire(&self, hostile: &Hostile) -> Wire {
        match hostile {
            Hostile::Answer { status, body } => {
                let head =
                    format!("HTTP/1.1 {status} Hostile\r\nContent-Length: {}\r\n\r\n", body.len());
                Wire { bytes: [head.as_bytes(), body].concat(), ..Wire::default() }
            }
            Hostile::Wire(mutation, good) => self.mutated(mutation, good),
        }
    }

    fn mutated(&self, mutation: &Value, good: &[u8]) -> Wire {
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
fn serve(listener: &TcpListener, answers: &Receiver<Option<Wire>>, most_sent: &Sender<u64>) {
    let mut most = 0;
    for wire in answers {
        let Some(wire) = wire else {
            let _ = most_sent.send(std::mem::take(&mut most));
            continue;
        };
        let Ok((mut stream, _)) = listener.accept() else { return };
        if read_request(&mut stream).is_some() {
            most = most.max(write(&mut stream, &wire));
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
