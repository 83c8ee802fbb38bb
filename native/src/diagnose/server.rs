use std::path::PathBuf;
use std::time::{Duration, Instant};

use astropass_core::{Body, Endpoint, Error, Request, Runtime};

use crate::http::{ReqwestHttp, SendHttp};
use crate::runtime::SystemRuntime;

/// How a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The HTTP status, whichever it was
    pub status: u16,
    /// How long the answer took
    pub took: Duration,
    /// Seconds by which the local clock is ahead of the server's; negative if it is behind. `None`
    /// if the answer has no `Date`, or a stored one.
    pub clock_ahead: Option<i64>,
}

/// Asks `endpoint` for nothing (`HEAD`), with no token.
///
/// # Errors
/// [`Error::Http`]; [`Error::Unavailable`] if only a gateway before the server answers.
pub async fn reach(
    endpoint: &Endpoint,
    ca_file: Option<PathBuf>,
    timeout: Duration,
) -> Result<Reached, Error> {
    let request = Request {
        method: "HEAD".to_owned(),
        endpoint: endpoint.clone(),
        headers: Vec::new(),
        authorization: None,
        body: Body::Empty,
        timeout,
        max_body: Request::MAX_BODY,
    };
    let started = Instant::now();
    let response = ReqwestHttp::with_ca_file(ca_file).send(request).await?;
    let took = started.elapsed();
    if matches!(response.status, 502..=504) {
        return Err(Error::Unavailable {
            status: response.status.into(),
            retry_after: response.retry_after,
        });
    }
    // RFC 9111 §5.1: an answer from a cache says when it was made.
    let stored = response.headers.iter().any(|(name, _)| name == "age");
    let date = response.date.filter(|_| !stored);
    let clock_ahead = date.map(|date| SystemRuntime::new().wall().since(date));
    Ok(Reached { status: response.status, took, clock_ahead })
}

/// Reads the certificates to trust: the platform's, and those of `ca_file` and `SSL_CERT_FILE`.
///
/// # Errors
/// [`Error::Http`] names the file that cannot be used.
pub fn check_authorities(ca_file: Option<PathBuf>) -> Result<(), Error> {
    Ok(ReqwestHttp::with_ca_file(ca_file).check_authorities()?)
}
