use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use astropass_core::{
    Body, Endpoint, Http, HttpError, HttpErrorKind, Request, Response, Timestamp,
};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, InvalidMessage, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;
use zeroize::Zeroizing;

use crate::json::print_json;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// [`Http`] through reqwest: rustls with the platform's verifier, proxies from the environment for
/// what TLS protects from them, no redirects.
///
/// Nothing is set up before the first request, so a program with a fresh token pays for no TLS.
#[derive(Clone, Debug, Default)]
pub struct ReqwestHttp {
    ca_file: Option<PathBuf>,
    clients: Arc<Clients>,
}

#[derive(Debug, Default)]
struct Clients {
    https: OnceLock<reqwest::Client>,
    http: OnceLock<reqwest::Client>,
}

impl ReqwestHttp {
    /// Trusts the certificates in the PEM file `ca_file` besides the platform's.
    ///
    /// The file that `SSL_CERT_FILE` names is honoured too.
    pub fn with_ca_file(ca_file: Option<PathBuf>) -> Self {
        Self { ca_file, clients: Arc::default() }
    }

    /// RFC 9110 §10.2.3: seconds, or a date, which is counted from the server's own.
    ///
    /// Public only so that the tests can fuzz it.
    #[doc(hidden)]
    pub fn retry_after(value: &str, date: Option<Timestamp>) -> Option<u64> {
        let seconds = value.trim();
        if seconds.bytes().all(|byte| byte.is_ascii_digit()) {
            return seconds.parse().ok();
        }
        let until = timestamp(httpdate::parse_http_date(value).ok()?)?;
        u64::try_from(until.since(date?)).ok()
    }

    /// Whether the certificates to trust can be read.
    pub(crate) fn check_authorities(&self) -> Result<(), HttpError> {
        self.https().map(drop)
    }

    async fn client(&self, endpoint: &Endpoint) -> Result<&reqwest::Client, HttpError> {
        let is_https = endpoint.is_https();
        let client = if is_https { &self.clients.https } else { &self.clients.http };
        if let Some(client) = client.get() {
            return Ok(client);
        }
        // A failure is not kept: a CA file that is being replaced is there a moment later.
        let built = if is_https { self.https_on_a_thread().await } else { loopback() }?;
        Ok(client.get_or_init(|| built))
    }

    /// The files of certificates may be anywhere, and hang.
    async fn https_on_a_thread(&self) -> Result<reqwest::Client, HttpError> {
        let (sender, built) = tokio::sync::oneshot::channel();
        let own = self.clone();
        std::thread::Builder::new()
            .name("astropass-tls".to_owned())
            .spawn(move || sender.send(own.https()))
            .map_err(|error| invalid(format!("no thread can be started ({error})")))?;
        built.await.unwrap_or_else(|_| Err(invalid("TLS stopped unexpectedly".to_owned())))
    }

    fn https(&self) -> Result<reqwest::Client, HttpError> {
        let provider = Arc::new(default_provider());
        // Where the verifier asks the system itself, only this makes it look there.
        let from_env = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let from_env = from_env.filter(|_| cfg!(any(target_os = "macos", windows)));
        let mut roots = Vec::new();
        for path in self.ca_file.iter().chain(&from_env) {
            roots.extend(ca_certificates(path)?);
        }
        let verifier =
            Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(|error| {
                match &self.ca_file {
                    Some(path) => unusable_ca(path, &error),
                    None => invalid(format!("the system or SSL_CERT_FILE has no CA: {error}")),
                }
            })?;
        let tls = tls(provider)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        build(reqwest::Client::builder().tls_backend_preconfigured(tls))
    }

    async fn exchange(&self, request: Request) -> Result<Response, HttpError> {
        let host = request.endpoint.host().to_owned();
        let begun = Instant::now();
        let client = tokio::time::timeout(request.timeout, self.client(&request.endpoint));
        let client = client.await.map_err(|_| HttpError {
            kind: HttpErrorKind::Timeout,
            detail: "the certificates to trust cannot be read".to_owned(),
        })??;
        let left = request.timeout.saturating_sub(begun.elapsed());
        let failed = |error: reqwest::Error| classify(&error, &host);
        let mut response = prepare(client, &request)?.timeout(left).send().await.map_err(failed)?;
        let date = header_date(response.headers());
        let retry_after = response
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|value| Self::retry_after(value.to_str().ok()?, date))
            .map_or(0, |seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            })
            .collect();
        let too_large = || HttpError {
            kind: HttpErrorKind::TooLarge,
            detail: format!("{host}: more than {} bytes", request.max_body),
        };
        let declared = response.content_length().unwrap_or(0);
        if declared > request.max_body as u64 {
            return Err(too_large());
        }
        let capacity = usize::try_from(declared).unwrap_or(0).max(8 << 10);
        let mut body = Zeroizing::new(Vec::with_capacity(capacity));
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            let needed = body.len() + chunk.len();
            if needed > request.max_body {
                return Err(too_large());
            }
            if needed > body.capacity() {
                // By itself it doubles from whatever the first chunk was, past the bound.
                let capacity = (2 * body.capacity()).max(needed).min(request.max_body);
                let more = capacity - body.len();
                body.reserve_exact(more);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status: response.status().as_u16(), headers, date, retry_after, body })
    }
}

fn prepare(
    client: &reqwest::Client,
    request: &Request,
) -> Result<reqwest::RequestBuilder, HttpError> {
    let method = request.method.parse().map_err(|_| invalid("no such method".to_owned()))?;
    let mut builder = client.request(method, request.endpoint.as_str());
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Some(authorization) = &request.authorization {
        let mut value = http::HeaderValue::from_str(authorization.expose_secret())
            .map_err(|_| invalid("the token cannot be sent in a header".to_owned()))?;
        value.set_sensitive(true);
        builder = builder.header(http::header::AUTHORIZATION, value);
    }
    if let Body::Raw(body) = &request.body {
        // Wiped when the last part of it was sent.
        builder = builder.body(bytes::Bytes::from_owner(body.clone()));
    }
    Ok(builder)
}

/// A client for loopback, which needs no certificates.
///
/// It goes past a proxy, which would be sent tokens that it can read.
fn loopback() -> Result<reqwest::Client, HttpError> {
    // reqwest insists on a configuration for what it is never asked to do here.
    let none = RootCertStore::empty();
    let tls = tls(Arc::new(default_provider()))?.with_root_certificates(none).with_no_client_auth();
    build(reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls))
}

fn ca_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let text = std::fs::read(path).map_err(|error| unusable_ca(path, &error))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|_| unusable_ca(path, &"it is not PEM"))?;
    if certificates.is_empty() {
        return Err(unusable_ca(path, &"it has no PEM certificate in it"));
    }
    Ok(certificates)
}

fn unusable_ca(path: &Path, why: &dyn fmt::Display) -> HttpError {
    invalid(format!("the CA file {} cannot be used: {why}", path.display()))
}

fn tls(
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, HttpError> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(error.to_string()))
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, HttpError> {
    builder
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .referer(false)
        .user_agent(concat!("astropass/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| invalid(innermost(&error)))
}

/// [`Http`] with a boxed future: what a caller implements to send requests in a way of its own.
pub trait SendHttp: Send + Sync {
    /// Sends `request` once, as [`Http`] asks. Its body is [`Body::Empty`] or [`Body::Raw`].
    fn send(&self, request: Request) -> HttpFuture<'_>;
}

/// What [`SendHttp::send`] returns.
pub type HttpFuture<'a> = Pin<Box<dyn Future<Output = Result<Response, HttpError>> + Send + 'a>>;

impl SendHttp for ReqwestHttp {
    fn send(&self, request: Request) -> HttpFuture<'_> {
        Box::pin(async move {
            let (method, endpoint) = (request.method.clone(), request.endpoint.clone());
            let result = self.exchange(request).await;
            match &result {
                Ok(response) => {
                    tracing::debug!(%method, ?endpoint, status = response.status, "answered");
                }
                Err(error) => tracing::debug!(%method, ?endpoint, %error, "not answered"),
            }
            result
        })
    }
}

/// The one that a session uses.
#[derive(Clone)]
pub(crate) struct AnyHttp(pub(crate) Arc<dyn SendHttp>);

impl Http for AnyHttp {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, HttpError>> {
        self.0.send(encoded(request))
    }
}

/// `request` with its body as bytes, which is all that a [`SendHttp`] needs to know of.
fn encoded(mut request: Request) -> Request {
    let (content_type, body) = match request.body {
        Body::Form(form) => (
            "application/x-www-form-urlencoded",
            Zeroizing::new(form.expose_secret().as_bytes().to_vec()),
        ),
        Body::Json(value) => ("application/json", print_json(&value)),
        Body::Empty | Body::Raw(_) => return request,
    };
    request.headers.push(("content-type".to_owned(), content_type.to_owned()));
    request.body = Body::Raw(body);
    request
}

fn invalid(detail: String) -> HttpError {
    HttpError { kind: HttpErrorKind::Invalid, detail }
}

fn classify(error: &reqwest::Error, host: &str) -> HttpError {
    let tls = tls_error(error);
    let kind = if matches!(tls, Some(rustls::Error::InvalidCertificate(_))) {
        HttpErrorKind::Certificate
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_builder() {
        HttpErrorKind::Invalid
    } else {
        HttpErrorKind::Interrupted
    };
    let cause = match tls {
        // As a server of plain HTTP does.
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "what answers does not speak TLS".to_owned()
        }
        _ => innermost(error),
    };
    HttpError { kind, detail: format!("{host}: {cause}") }
}

fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error leaves out of its sources the one that it wraps.
        cause = match error.downcast_ref().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// The cause at the bottom; those above it repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.is::<reqwest::Error>() { "the request failed".to_owned() } else { cause.to_string() }
}

fn header_date(headers: &http::HeaderMap) -> Option<Timestamp> {
    let date = headers.get(http::header::DATE)?.to_str().ok()?;
    timestamp(httpdate::parse_http_date(date).ok()?)
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_unix(i64::try_from(since.as_secs()).ok()?))
}
