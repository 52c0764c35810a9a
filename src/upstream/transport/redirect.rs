//! Redirects: followed within the origin of the request, and never to another one.
//!
//! It sits above the rate limit, so that every hop counts as a request, is signed for its own URL
//! and is classified like any other response; and below the breaker, for which all hops are one
//! request. Credentials never leave the origin they are meant for: an upstream that redirects
//! elsewhere may be compromised, and the target may be reachable only from our network (SSRF).

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, StatusCode, Uri};
use thiserror::Error;
use tower::{Layer, Service, ServiceExt};
use url::Url;

use crate::error::{AnswerLocation, ErrorKind, UpstreamError};
use crate::plan::holds_userinfo;
use crate::upstream::classify::ClassifiedResponse;

use crate::upstream::extensions::is_repeatable;
use crate::upstream::masks::Masks;

/// The most redirects that one request follows.
const MAX_REDIRECTS: usize = 3;

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum Refusal {
    #[error("it redirects to another origin, `{0}`, to which our credentials must not be sent")]
    ForeignOrigin(String),
    #[error(
        "it redirects to a URL of its own origin that holds a user name or password, which is never \
         sent on: credentials belong in `auth`"
    )]
    Userinfo,
    #[error("it redirects to an invalid URL")]
    InvalidUrl,
    #[error("it redirects in a loop")]
    Loop,
    #[error("it redirects more than {MAX_REDIRECTS} times")]
    TooMany,
    #[error("it redirects a request that must be sent only once")]
    NotRepeatable,
}

/// Follows the redirects of the upstream `source`.
#[derive(Debug, Clone)]
pub(super) struct RedirectLayer {
    source: Arc<str>,
    masks: Masks,
}

impl RedirectLayer {
    pub(super) fn new(source: &Arc<str>, masks: &Masks) -> Self {
        Self {
            source: Arc::clone(source),
            masks: masks.clone(),
        }
    }

    /// The error of a redirect that is not followed.
    fn refused(
        &self,
        sent: &Request<Bytes>,
        mut error: UpstreamError,
        refusal: &Refusal,
    ) -> UpstreamError {
        let masks = Masks::of(sent, &self.masks);
        if let Refusal::ForeignOrigin(origin) = refusal {
            tracing::warn!(
                source = &*self.source,
                origin = masks.text(origin),
                "refused a URL of another origin"
            );
        }
        if *refusal == Refusal::TooMany {
            error.kind = ErrorKind::LimitExceeded;
        }
        error.detail = masks.text(&format!("{}: {refusal}", error.detail));
        error
    }
}

impl<S> Layer<S> for RedirectLayer {
    type Service = FollowRedirect<S>;

    fn layer(&self, inner: S) -> FollowRedirect<S> {
        FollowRedirect {
            inner,
            redirects: self.clone(),
        }
    }
}

/// Follows the redirects of the inner service.
#[derive(Debug, Clone)]
pub(super) struct FollowRedirect<S> {
    inner: S,
    redirects: RedirectLayer,
}

impl<S> Service<Request<Bytes>> for FollowRedirect<S>
where
    S: Service<Request<Bytes>, Response = ClassifiedResponse, Error = UpstreamError>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = ClassifiedResponse;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<ClassifiedResponse, UpstreamError>>;

    // Each hop waits for the inner service itself.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        let mut inner = self.inner.clone();
        let redirects = self.redirects.clone();
        Box::pin(async move {
            let mut visited = Vec::new();
            loop {
                let sent = request.clone();
                let error = match inner.ready().await?.call(request).await {
                    Ok(mut answer) => {
                        answer.uri = (!visited.is_empty()).then(|| sent.uri().clone());
                        return Ok(answer);
                    }
                    Err(error) => error,
                };
                let (Some(status), Some(AnswerLocation(location))) =
                    (error.status, &error.location)
                else {
                    return Err(error);
                };
                match hop(&sent, status, location, &mut visited) {
                    Ok(next) => request = next,
                    Err(refusal) => return Err(redirects.refused(&sent, error, &refusal)),
                }
            }
        })
    }
}

/// The request that a redirect leads to. `visited` holds the requests that were redirected before.
fn hop(
    sent: &Request<Bytes>,
    status: StatusCode,
    location: &str,
    visited: &mut Vec<(Method, Uri)>,
) -> Result<Request<Bytes>, Refusal> {
    if !is_repeatable(sent) {
        return Err(Refusal::NotRepeatable);
    }
    let uri = target(sent.uri(), location)?;
    let mut next = sent.clone();
    if status == StatusCode::SEE_OTHER {
        // See other: the response is at the target, to be fetched with GET (RFC 9110, section
        // 15.4.4). All other redirects repeat the request unchanged: that a POST may become a GET
        // after 301 and 302 is a concession to old browsers, and would be a different request.
        *next.method_mut() = Method::GET;
        *next.body_mut() = Bytes::new();
        for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
            next.headers_mut().remove(name);
        }
    }
    *next.uri_mut() = uri;
    visited.push((sent.method().clone(), sent.uri().clone()));
    if visited.contains(&(next.method().clone(), next.uri().clone())) {
        return Err(Refusal::Loop);
    }
    if visited.len() > MAX_REDIRECTS {
        return Err(Refusal::TooMany);
    }
    Ok(next)
}

/// The target of a `Location` relative to `base`, if it has the same origin.
fn target(base: &Uri, location: &str) -> Result<Uri, Refusal> {
    let base: Url = base.to_string().parse().map_err(|_| Refusal::InvalidUrl)?;
    let mut url = base.join(location).map_err(|_| Refusal::InvalidUrl)?;
    if url.origin() != base.origin() {
        return Err(Refusal::ForeignOrigin(url.origin().ascii_serialization()));
    }
    if holds_userinfo(&url) {
        return Err(Refusal::Userinfo);
    }
    url.set_fragment(None);
    url.as_str().parse().map_err(|_| Refusal::InvalidUrl)
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
    #[case::downgraded_to_http("http://club.example/c", Err("http://club.example"))]
    #[case::another_host_with_userinfo("https://me:pw@evil.example/", Err("https://evil.example"))]
    #[case::another_scheme("file:///etc/passwd", Err("null"))]
    fn a_redirect_stays_within_its_origin(
        #[case] location: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        let base = Uri::from_static("https://club.example/a/b?token=s3cret");
        let found = target(&base, location).map(|uri| uri.to_string());
        let expected = expected
            .map(str::to_owned)
            .map_err(|origin| Refusal::ForeignOrigin(origin.to_owned()));
        assert_eq!(found, expected);
    }

    #[rstest]
    fn a_redirect_with_user_name_or_password_on_the_same_host_is_not_called_another_origin(
        #[values(
            "https://me:s3cret@club.example/c",
            "https://me@club.example/c",
            "https://:s3cret@club.example:443/c",
            "//me:s3cret@club.example/c"
        )]
        location: &str,
    ) {
        let base = Uri::from_static("https://club.example/a/b");
        let refusal = target(&base, location).unwrap_err();
        assert_eq!(refusal, Refusal::Userinfo);
        let message = refusal.to_string();
        assert!(message.contains("user name or password"), "{message}");
        assert!(
            !message.contains("s3cret") && !message.contains("another origin"),
            "{message}"
        );
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
        assert_eq!(refused, Refusal::NotRepeatable);
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
    fn a_loop_and_a_fourth_redirect_are_refused() {
        let mut visited = Vec::new();
        let mut sent = Request::get("http://club.example/0")
            .body(Bytes::new())
            .unwrap();
        for path in ["/1", "/2", "/3"] {
            sent = hop(&sent, StatusCode::FOUND, path, &mut visited).unwrap();
        }
        let mut cycle = visited.clone();
        let back = hop(&sent, StatusCode::FOUND, "/1", &mut cycle);
        assert_eq!(back.unwrap_err(), Refusal::Loop);
        let on = hop(&sent, StatusCode::FOUND, "/4", &mut visited);
        assert_eq!(on.unwrap_err(), Refusal::TooMany);
    }
}
