//! The only file with sockets: HTTP/1.1 around [`State::handle`].

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

use super::state::{Delivery, State};

/// Larger than any honest request.
const MOST_BODY: usize = 1 << 20;

/// The state, shared between the listener and the handle.
pub(super) type Shared = Arc<Mutex<State>>;

/// A panic in one test's thread says nothing about the state: go on with it.
pub(super) fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server's wall clock: the real one, unless it was stopped, and what it was advanced by.
pub(super) fn now(state: &State) -> Duration {
    let real = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    state.stopped.unwrap_or_else(real) + state.advanced
}

/// Serves until `stop` is sent or dropped.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Shared,
    mut stop: oneshot::Receiver<Infallible>,
) {
    loop {
        let accepted = tokio::select! {
            _ = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        // Out of descriptors, or a peer that was gone at once: the next one may fare better.
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::spawn(async move {
            // Answers are small, and a client must not wait for Nagle's algorithm.
            let _ = stream.set_nodelay(true);
            match tls {
                None => connection(stream, shared).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        connection(stream, shared).await;
                    }
                }
            }
        });
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Shared) {
    let service = service_fn(move |request| answer(request, shared.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    // An error is a client that went away, or a fault that cuts the connection.
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, shared: Shared) -> io::Result<Response<Reply>> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MOST_BODY).collect().await else {
        let mut response = Response::new(Reply::full(Bytes::new()));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    let request = Request::from_parts(head, body.to_bytes());
    let answer = {
        let mut state = lock(&shared);
        let now = now(&state);
        state.handle(&request, now)
    };
    let response = answer.response;
    match answer.delivery {
        Delivery::Now => Ok(response.map(Reply::full)),
        Delivery::After(time) => {
            tokio::time::sleep(time).await;
            Ok(response.map(Reply::full))
        }
        Delivery::Never => pending().await,
        // hyper closes a connection whose service fails, without an answer.
        Delivery::Cut => Err(io::Error::other("cut by a fault")),
        Delivery::Endless => Ok(response.map(|_| Reply::Endless(Bytes::from_static(b"\"")))),
        Delivery::Slow(gap) => Ok(response.map(|rest| Reply::Slow {
            rest,
            gap,
            sleep: Box::pin(tokio::time::sleep(gap)),
        })),
    }
}

/// A response body, as the delivery asks.
enum Reply {
    Full(Full<Bytes>),
    Endless(Bytes),
    Slow { rest: Bytes, gap: Duration, sleep: Pin<Box<Sleep>> },
}

impl Reply {
    fn full(body: Bytes) -> Self {
        Self::Full(Full::new(body))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Full(body) => Pin::new(body).poll_frame(context),
            Self::Endless(next) => {
                let filler = Bytes::from_static(&[b'a'; 64 << 10]);
                Poll::Ready(Some(Ok(Frame::data(std::mem::replace(next, filler)))))
            }
            Self::Slow { rest, gap, sleep } => {
                if rest.is_empty() {
                    return Poll::Ready(None);
                }
                std::task::ready!(sleep.as_mut().poll(context));
                sleep.set(tokio::time::sleep(*gap));
                Poll::Ready(Some(Ok(Frame::data(rest.split_to(1)))))
            }
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            Self::Full(body) => body.size_hint(),
            Self::Slow { rest, .. } => http_body::SizeHint::with_exact(rest.len() as u64),
            Self::Endless(_) => http_body::SizeHint::default(),
        }
    }
}
