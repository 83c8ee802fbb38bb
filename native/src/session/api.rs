//! Requests to the API server, with the access token.

use std::time::Duration;

use astropass_core::{
    AccessToken, Body, Endpoint, Error, Http, HttpError, HttpErrorKind, Request, Response,
};

use super::Session;

/// Most bytes of an API server's answer.
const MAX_API_BODY: usize = 64 << 20;
/// Deadline of a request to an API server.
const API_TIMEOUT: Duration = Duration::from_secs(60);

impl Session {
    /// Sends `request` to the API server with the access token, and once more after a 401 with
    /// a refreshed one.
    ///
    /// The URI is a path, which is appended to the server's, or a URL on the API server. Fields
    /// `Authorization` and `Host` of the caller's are left out. Each exchange may take 60 seconds,
    /// beside what the token takes, and the answer's body may have 64 MiB; for more, use
    /// [`token`](Self::token) with an HTTP client of your own.
    ///
    /// # Errors
    /// As [`token`](Self::token); [`Error::InvalidUrl`] for another server, which never gets the
    /// token; [`Error::Http`].
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        let request = self.api_request(request)?;
        let token = self.token().await?;
        let response = self.send_with(&request, &token).await?;
        if response.status != 401 || self.is_given() {
            return to_http(response);
        }
        let token = self.refresh(Some(token.secret())).await?;
        to_http(self.send_with(&request, &token).await?)
    }

    async fn send_with(&self, request: &Request, token: &AccessToken) -> Result<Response, Error> {
        let mut request = request.clone();
        request.authorization = Some(self.provider().authorization(token.secret()));
        Ok(self.0.core.http().send(request).await?)
    }

    fn api_request(&self, request: http::Request<Vec<u8>>) -> Result<Request, Error> {
        let server = self.0.server.as_ref().ok_or(Error::MissingServer)?;
        let (parts, body) = request.into_parts();
        let endpoint = match parts.uri.authority() {
            Some(_) => Endpoint::parse(&parts.uri.to_string())?,
            None => server.join(&parts.uri.to_string())?,
        };
        server.check_same_origin(&endpoint)?;
        let mut headers = Vec::new();
        for (name, value) in &parts.headers {
            if *name == http::header::AUTHORIZATION || *name == http::header::HOST {
                continue;
            }
            let value = value.to_str().map_err(|_| HttpError {
                kind: HttpErrorKind::Invalid,
                detail: format!("the header {name} is not visible ASCII"),
            })?;
            headers.push((name.as_str().to_owned(), value.to_owned()));
        }
        Ok(Request {
            method: parts.method.as_str().to_owned(),
            endpoint,
            headers,
            authorization: None,
            body: if body.is_empty() { Body::Empty } else { Body::Raw(body.into()) },
            timeout: API_TIMEOUT,
            max_body: MAX_API_BODY,
        })
    }
}

fn to_http(mut response: Response) -> Result<http::Response<Vec<u8>>, Error> {
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder.body(std::mem::take(&mut *response.body)).map_err(|error| {
        HttpError { kind: HttpErrorKind::Interrupted, detail: error.to_string() }.into()
    })
}
