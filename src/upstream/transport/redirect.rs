//! Redirects: followed within the origin that was asked, and never out of it.
//!
//! It stands above the quota, so that every hop takes a turn, is signed anew for where it goes and
//! is judged like any other answer; and below the breaker, for which all hops are one request.
//! Credentials never leave the origin that they are meant for: an upstream that sends us elsewhere
//! may have been made to, and what is elsewhere may be ours alone to reach.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, StatusCode, Uri};
use thiserror::Error;
use tower::{Layer, Service, ServiceExt};
use url::Url;

use crate::error::{ErrorKind, UpstreamError};
use crate::upstream::classify::Answer;

use crate::upstream::extensions::is_repeatable;

/// How many redirects one request may meet.
const MOST_HOPS: usize = 3;

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum Refusal {
    #[error("it redirects to another origin, `{0}`, where our credentials must not go")]
    Foreign(String),
    #[error("it redirects to what cannot be read as a URL")]
    Unreadable,
    #[error("it redirects in a circle")]
    Circle,
    #[error("it redirects more than {MOST_HOPS} times")]
    TooMany,
    #[error("it redirects what may be sent only once")]
    Once,
}

/// Follows the redirects of the upstream `source`.
#[derive(Debug, Clone)]
pub(super) struct Redirects {
    source: Arc<str>,
}

impl Redirects {
    pub(super) fn of(source: &Arc<str>) -> Self {
        Self {
            source: Arc::clone(source),
        }
    }

    /// The failure that a redirect is which is not followed.
    fn refused(&self, mut error: UpstreamError, refusal: &Refusal) -> UpstreamError {
        if let Refusal::Foreign(origin) = refusal {
            tracing::warn!(
                source = &*self.source,
                origin,
                "refused a URL of another origin"
            );
        }
        if *refusal == Refusal::TooMany {
            error.kind = ErrorKind::LimitExceeded;
        }
        error.detail = format!("{}: {refusal}", error.detail);
        error
    }
}

impl<S> Layer<S> for Redirects {
    type Service = Following<S>;

    fn layer(&self, inner: S) -> Following<S> {
        Following {
            inner,
            redirects: self.clone(),
        }
    }
}

/// A service whose redirects are followed.
#[derive(Debug, Clone)]
pub(super) struct Following<S> {
    inner: S,
    redirects: Redirects,
}

impl<S> Service<Request<Bytes>> for Following<S>
where
    S: Service<Request<Bytes>, Response = Answer, Error = UpstreamError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Answer;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<Answer, UpstreamError>>;

    // Each hop makes the inner service ready for itself.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        let inner = self.inner.clone();
        let redirects = self.redirects.clone();
        Box::pin(async move {
            let mut asked = Vec::new();
            loop {
                let sent = request.clone();
                let error = match inner.clone().oneshot(request).await {
                    Ok(mut answer) => {
                        answer.uri = (!asked.is_empty()).then(|| sent.uri().clone());
                        return Ok(answer);
                    }
                    Err(error) => error,
                };
                let (Some(status), Some(location)) = (error.status, error.location.as_deref())
                else {
                    return Err(error);
                };
                match hop(&sent, status, location, &mut asked) {
                    Ok(next) => request = next,
                    Err(refusal) => return Err(redirects.refused(error, &refusal)),
                }
            }
        })
    }
}

/// The request that a redirect asks for. `asked` holds those that were redirected before.
fn hop(
    sent: &Request<Bytes>,
    status: StatusCode,
    location: &str,
    asked: &mut Vec<(Method, Uri)>,
) -> Result<Request<Bytes>, Refusal> {
    if !is_repeatable(sent) {
        return Err(Refusal::Once);
    }
    let uri = target(sent.uri(), location)?;
    let mut next = sent.clone();
    if status == StatusCode::SEE_OTHER {
        // The answer to the request is elsewhere, and is only read there (RFC 9110, section
        // 15.4.4). Every other redirect repeats the request as it is: that a POST may become a GET
        // under 301 and 302 is a concession to old browsers, and would ask for something else.
        *next.method_mut() = Method::GET;
        *next.body_mut() = Bytes::new();
        for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
            next.headers_mut().remove(name);
        }
    }
    *next.uri_mut() = uri;
    asked.push((sent.method().clone(), sent.uri().clone()));
    if asked.contains(&(next.method().clone(), next.uri().clone())) {
        return Err(Refusal::Circle);
    }
    if asked.len() > MOST_HOPS {
        return Err(Refusal::TooMany);
    }
    Ok(next)
}

/// Where a `Location` leads, seen from `base`, if that is the same origin.
fn target(base: &Uri, location: &str) -> Result<Uri, Refusal> {
    let base: Url = base.to_string().parse().map_err(|_| Refusal::Unreadable)?;
    let mut url = base.join(location).map_err(|_| Refusal::Unreadable)?;
    let is_nobody = url.username().is_empty() && url.password().is_none();
    if url.origin() != base.origin() || !is_nobody {
        return Err(Refusal::Foreign(url.origin().ascii_serialization()));
    }
    url.set_fragment(None);
    url.as_str().parse().map_err(|_| Refusal::Unreadable)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::upstream::extensions::Repeatable;

    #[rstest]
    #[case::relative("c?d=e", Ok("https://club.example/a/c?d=e"))]
    #[case::absolute("https://club.example:443/c", Ok("https://club.example/c"))]
    #[case::with_a_fragment("/c#top", Ok("https://club.example/c"))]
    #[case::another_host("https://evil.example/", Err("https://evil.example"))]
    #[case::another_host_without_scheme("//evil.example/c", Err("https://evil.example"))]
    #[case::another_port("https://club.example:8443/c", Err("https://club.example:8443"))]
    #[case::in_the_clear("http://club.example/c", Err("http://club.example"))]
    #[case::as_somebody("https://me:pw@club.example/c", Err("https://club.example"))]
    #[case::no_web("file:///etc/passwd", Err("null"))]
    fn a_redirect_stays_within_its_origin(
        #[case] location: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        let base = Uri::from_static("https://club.example/a/b?token=s3cret");
        let found = target(&base, location).map(|uri| uri.to_string());
        let expected = expected
            .map(str::to_owned)
            .map_err(|origin| Refusal::Foreign(origin.to_owned()));
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case::moved(301, "POST", "x")]
    #[case::found(302, "POST", "x")]
    #[case::see_other(303, "GET", "")]
    #[case::temporary(307, "POST", "x")]
    #[case::permanent(308, "POST", "x")]
    fn only_a_see_other_becomes_a_get(
        #[case] status: u16,
        #[case] method: &str,
        #[case] body: &str,
    ) {
        let mut sent = Request::post("http://club.example/a")
            .header(CONTENT_TYPE, "text/plain")
            .header("domain", "d")
            .body(Bytes::from("x"))
            .unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let refused = hop(&sent, status, "/b", &mut Vec::new()).unwrap_err();
        assert_eq!(refused, Refusal::Once);
        sent.extensions_mut().insert(Repeatable);
        let next = hop(&sent, status, "/b", &mut Vec::new()).unwrap();
        assert_eq!(
            (next.method().as_str(), next.body().as_ref()),
            (method, body.as_bytes())
        );
        assert_eq!(next.headers().contains_key(CONTENT_TYPE), !body.is_empty());
        assert_eq!(next.headers()["domain"], "d");
    }

    #[test]
    fn a_circle_and_a_fourth_hop_are_refused() {
        let mut asked = Vec::new();
        let mut sent = Request::get("http://club.example/0")
            .body(Bytes::new())
            .unwrap();
        for path in ["/1", "/2", "/3"] {
            sent = hop(&sent, StatusCode::FOUND, path, &mut asked).unwrap();
        }
        let mut circle = asked.clone();
        let back = hop(&sent, StatusCode::FOUND, "/1", &mut circle);
        assert_eq!(back.unwrap_err(), Refusal::Circle);
        let on = hop(&sent, StatusCode::FOUND, "/4", &mut asked);
        assert_eq!(on.unwrap_err(), Refusal::TooMany);
    }
}
