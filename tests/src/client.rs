//! A small blocking HTTP/1.1 client for tests: no TLS, no redirects, a connection per request.

use std::io;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// Larger than any answer a test waits for.
const MOST_BODY: usize = 16 << 20;

/// A request to be sent.
#[derive(Debug)]
#[must_use]
pub struct Call {
    url: String,
    request: Request<Full<Bytes>>,
}

/// A GET request.
pub fn get(url: &str) -> Call {
    call(Method::GET, url)
}

/// A POST request without a body.
pub fn post(url: &str) -> Call {
    call(Method::POST, url)
}

/// A request with any method.
pub fn call(method: Method, url: &str) -> Call {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    Call { url: url.to_owned(), request }
}

impl Call {
    /// Adds a header. One that cannot be sent is left out.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.request.headers_mut().insert(name, value);
        }
        self
    }

    /// Adds a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header(http::header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// Adds a cookie header.
    pub fn cookie(self, cookie: &str) -> Self {
        self.header(COOKIE, cookie)
    }

    /// Sets a body of any type.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = Full::new(body.into());
        self.header(CONTENT_TYPE, content_type)
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sets a form body.
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.body("application/x-www-form-urlencoded", form.finish())
    }

    /// Sends it and reads the whole answer. May be called inside a runtime as well.
    pub fn send(self) -> io::Result<Reply> {
        // A thread of its own, because a runtime cannot be started inside another one.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.exchange())
        });
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the client panicked")))
    }

    async fn exchange(mut self) -> io::Result<Reply> {
        let uri: Uri = self.url.parse().map_err(io::Error::other)?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(io::Error::other("this client speaks http only"));
        };
        let host = HeaderValue::from_str(authority.as_str()).map_err(io::Error::other)?;
        self.request.headers_mut().insert(HOST, host);
        let port = authority.port_u16().unwrap_or(80);
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        let stream = tokio::net::TcpStream::connect((name, port)).await?;
        let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        *self.request.uri_mut() = target.parse().map_err(io::Error::other)?;

        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        let response = sender.send_request(self.request).await.map_err(io::Error::other)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MOST_BODY).collect().await.map_err(io::Error::other)?;
        Ok(Reply(Response::from_parts(head, body.to_bytes())))
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply(Response<Bytes>);

impl Reply {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        self.0.body()
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.0.body()).into_owned()
    }

    /// The body as JSON; `null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.0.body()).unwrap_or_default()
    }
}
