use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use astropass_core::flow::Pending;
use bytes::Bytes;
use http::header::{ALLOW, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use zeroize::Zeroizing;

use super::Listener;
use super::page::{Page, respond};

/// How long a connection may take to say what it wants.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Most bytes of a request's head: a code, and the cookies of everything that ran on `localhost`.
const MAX_HEAD: usize = 32 << 10;
/// Most connections at once.
const MAX_CONNECTIONS: usize = 32;
/// How long the browser may take to fetch the last page.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long to wait where the system has no connection to give.
const PAUSE: Duration = Duration::from_millis(100);

/// What became of the login: who is signed in, or why nobody is.
type Outcome = Result<String, String>;

/// A page for one login. It answers the browser that brings the login's answer, and nothing else.
///
/// Dropping it frees the port.
pub(crate) struct Site {
    listener: Listener,
    login: Arc<Login>,
    outcome: watch::Sender<Option<Outcome>>,
    connections: JoinSet<()>,
    /// In the order in which they came; some may have ended.
    handles: VecDeque<AbortHandle>,
}

struct Login {
    pending: Pending,
    redirect_uri: String,
    /// The only `Host` (RFC 9110 §7.2): a page elsewhere whose name leads here has another one.
    authority: String,
    path: String,
    answers: mpsc::Sender<Zeroizing<String>>,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Site {
    /// The site, and the answer that a browser brings there: a whole URL. The receiver is dropped
    /// once there is an answer, from wherever.
    pub(crate) fn new(
        listener: Listener,
        pending: Pending,
    ) -> (Self, mpsc::Receiver<Zeroizing<String>>) {
        let redirect_uri = listener.redirect_uri().to_owned();
        let rest = redirect_uri.split_once("://").map_or("", |(_, rest)| rest);
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(at).unwrap_or_default();
        let path = if path.is_empty() { "/" } else { path };
        // Browsers leave the usual port out (RFC 9110 §7.2).
        let authority = authority.strip_suffix(":80").unwrap_or(authority);
        let (answers, receiver) = mpsc::channel(1);
        let (outcome, told) = watch::channel(None);
        let login = Login {
            pending,
            authority: authority.to_ascii_lowercase(),
            path: path.to_owned(),
            redirect_uri,
            answers,
            outcome: told,
        };
        let login = Arc::new(login);
        let (connections, handles) = Default::default();
        (Self { listener, login, outcome, connections, handles }, receiver)
    }

    /// Answers requests. Whoever brings the answer waits for [`close`](Self::close).
    pub(crate) async fn serve(&mut self) -> Infallible {
        loop {
            tokio::select! {
                Some(_) = self.connections.join_next() => {}
                stream = accept(&self.listener) => self.take(stream).await,
            }
        }
    }

    async fn take(&mut self, stream: TcpStream) {
        self.handles.retain(|handle| !handle.is_finished());
        if self.handles.len() >= MAX_CONNECTIONS {
            // The oldest say nothing, unless one of them has brought the answer.
            if self.login.answers.is_closed() {
                return;
            }
            self.handles.pop_front().as_ref().map(AbortHandle::abort);
        }
        let connection = connection(stream, Arc::clone(&self.login));
        self.handles.push_back(self.connections.spawn(connection));
    }

    /// Tells whoever brought the answer what became of it, and closes.
    pub(crate) async fn close(self, outcome: Outcome) {
        let Self { listener, outcome: told, mut connections, .. } = self;
        drop(listener);
        told.send_replace(Some(outcome));
        let farewell = async { while connections.join_next().await.is_some() {} };
        // A browser that went away is told by the program itself.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

async fn accept(listener: &Listener) -> TcpStream {
    loop {
        let accepted = poll_fn(|context| {
            for socket in &listener.sockets {
                if let Poll::Ready(accepted) = socket.poll_accept(context) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        });
        match accepted.await {
            Ok((stream, _)) => return stream,
            // Too many open files, or a connection that ended before it began.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn connection(stream: TcpStream, login: Arc<Login>) {
    let mut outcome = login.outcome.clone();
    let asked = AtomicBool::new(false);
    let service = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        let login = &login;
        async move { Ok::<_, Infallible>(login.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let told = async { drop(outcome.wait_for(Option::is_some).await) };
    tokio::select! {
        _ = connection.as_mut() => return,
        () = told => {}
    }
    // Whoever has asked for nothing yet is not waited for.
    if asked.load(Ordering::Relaxed) {
        let _ = connection.await;
    }
}

impl Login {
    async fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let uri = request.uri();
        if !self.is_meant_by(request) {
            return respond(StatusCode::MISDIRECTED_REQUEST, Page::Nothing);
        }
        if uri.path() != self.path {
            return respond(StatusCode::NOT_FOUND, Page::Nothing);
        }
        if request.method() != Method::GET {
            let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, Page::Nothing);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return response;
        }
        let query = uri.query().unwrap_or_default();
        let url = Zeroizing::new(format!("{}?{query}", self.redirect_uri));
        if !self.pending.is_answered_by(&url) {
            return respond(StatusCode::BAD_REQUEST, Page::Stray);
        }
        // A page that is loaded again, or came after a paste, waits for the same outcome.
        let _ = self.answers.try_send(url);
        let mut outcome = self.outcome.clone();
        let told = outcome.wait_for(Option::is_some).await;
        match told.as_deref() {
            Ok(Some(Ok(who))) => respond(StatusCode::OK, Page::SignedIn(who)),
            Ok(Some(Err(why))) => respond(StatusCode::BAD_REQUEST, Page::Failed(why)),
            _ => respond(StatusCode::SERVICE_UNAVAILABLE, Page::Nothing),
        }
    }

    fn is_meant_by<B>(&self, request: &Request<B>) -> bool {
        let mut hosts = request.headers().get_all(HOST).iter();
        let (host, another) = (hosts.next(), hosts.next());
        let named = request.uri().authority().is_none_or(|authority| *authority == *self.authority);
        let own =
            |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(self.authority.as_bytes());
        named && another.is_none() && host.is_some_and(own)
    }
}
