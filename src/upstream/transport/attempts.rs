//! Tells what came of each attempt and how long it took, as the upstream is to blame for it: without what it waited
//! for a slot or a permit, and before the response is classified. Observers are told, and it has a span in that of
//! its walk.
//!
//! Attributes have the names of OpenTelemetry's semantic conventions for HTTP clients. Neither the values in
//! a query nor our credentials leave the process in a URL.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use http::{Request, Response, Uri};
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt as _};
use opentelemetry::{Context as Spanned, KeyValue};
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::error::UpstreamError;
use crate::observe::{Event, Observers};
use crate::plan;
use crate::trace;
use crate::upstream::extensions::{Resent, ShownPath, carried};
use crate::upstream::masks::Masks;

/// Reports attempts to the observers that come with a request, and in spans where its walk has one that is recorded.
#[derive(Debug, Clone)]
pub(super) struct Attempts {
    source: Arc<str>,
    /// The host and port of the upstream.
    home: Arc<(String, u16)>,
    masks: Masks,
}

impl Attempts {
    pub(super) fn new(upstream: &plan::Upstream, masks: &Masks) -> Self {
        let base_url = &upstream.requests.listing.base_url;
        let host = bare(base_url.host_str().unwrap_or_default());
        let port = base_url.port_or_known_default().unwrap_or_default();
        Self {
            source: Arc::clone(&upstream.name),
            home: Arc::new((host.to_owned(), port)),
            masks: masks.clone(),
        }
    }

    fn span(&self, request: &Request<Bytes>) -> SpanBuilder {
        let uri = request.uri();
        let method = request.method().as_str().to_owned();
        let path = carried::<ShownPath, _>(request);
        let url = without_values(uri, path.map(|path| &*path.0));
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.clone()),
            KeyValue::new("url.full", Masks::of(request, &self.masks).text(&url)),
            KeyValue::new("server.address", host(uri).to_owned()),
            KeyValue::new("groupgate.source", self.source.to_string()),
        ];
        attributes.extend(port(uri).map(|port| KeyValue::new("server.port", i64::from(port))));
        if let Some(Resent(times)) = carried(request) {
            let times = i64::from(*times);
            attributes.push(KeyValue::new("http.request.resend_count", times));
        }
        let mut builder = SpanBuilder::from_name(method).with_kind(SpanKind::Client);
        builder.attributes = Some(attributes);
        builder
    }
}

/// The host of a URL, an IPv6 address without its brackets.
fn host(uri: &Uri) -> &str {
    bare(uri.host().unwrap_or_default())
}

fn bare(host: &str) -> &str {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bare.unwrap_or(host)
}

/// The port of a URL, said or not.
fn port(uri: &Uri) -> Option<u16> {
    uri.port_u16().or_else(|| match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    })
}

/// A URL whose query has names and no values, with the path that may be shown for it.
fn without_values(uri: &Uri, path: Option<&str>) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let before = format!("{scheme}://{authority}{}", path.unwrap_or(uri.path()));
    let Some(query) = uri.query() else {
        return before;
    };
    let names = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}=REDACTED"),
        None => "REDACTED".to_owned(),
    });
    format!("{before}?{}", names.collect::<Vec<_>>().join("&"))
}

impl<S> Layer<S> for Attempts {
    type Service = Attempting<S>;

    fn layer(&self, inner: S) -> Attempting<S> {
        Attempting {
            inner,
            attempts: self.clone(),
        }
    }
}

/// Makes attempts with the inner service.
#[derive(Debug, Clone)]
pub(super) struct Attempting<S> {
    inner: S,
    attempts: Attempts,
}

impl<S> Service<Request<Bytes>> for Attempting<S>
where
    S: Service<Request<Bytes>, Response = Response<Bytes>, Error = UpstreamError>,
    S::Future: Send + 'static,
{
    type Response = Response<Bytes>;
    type Error = UpstreamError;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Bytes>, UpstreamError>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let span = trace::child(|| self.attempts.span(&request));
        let observers = carried::<Observers, _>(&request).cloned();
        if span.is_none() && observers.is_none() {
            return Either::Left(self.inner.call(request));
        }
        let method = request.method().clone();
        let (home, uri) = (Arc::clone(&self.attempts.home), request.uri());
        let is_home = host(uri).eq_ignore_ascii_case(&home.0) && port(uri) == Some(home.1);
        let masks = Masks::of(&request, &self.attempts.masks).clone();
        let begun = Instant::now();
        let response = {
            let _attached = span.clone().map(Spanned::attach);
            self.inner.call(request)
        };
        let span = span.map(AttemptSpan);
        Either::Right(Box::pin(async move {
            let spanned = span.as_ref().map(|span| span.0.clone());
            let outcome = trace::within(spanned, response).await;
            if let Some(observers) = observers {
                let outcome = outcome.as_ref();
                observers.notify(&Event::AttemptEnded {
                    method: &method,
                    server: is_home.then_some((&*home.0, home.1)),
                    outcome: outcome.map(Response::status).map_err(|error| error.kind),
                    elapsed: begun.elapsed(),
                });
            }
            if let Some(span) = span {
                span.end(&outcome, &masks);
            }
            outcome
        }))
    }
}

/// The span of an attempt. One that is dropped before its attempt ends was cancelled: another request was faster,
/// or nobody waits any more.
struct AttemptSpan(Spanned);

impl AttemptSpan {
    fn end(self, outcome: &Result<Response<Bytes>, UpstreamError>, masks: &Masks) {
        let span = &self.0;
        match outcome {
            Ok(response) => {
                let status = response.status();
                let code = i64::from(status.as_u16());
                let code = KeyValue::new("http.response.status_code", code);
                span.span().set_attribute(code);
                if status.is_client_error() || status.is_server_error() {
                    trace::fail(span, status.as_str().to_owned(), "");
                }
            }
            Err(error) => trace::fail(span, error.kind.as_str(), &masks.text(&error.detail)),
        }
        span.span().end();
    }
}

impl Drop for AttemptSpan {
    fn drop(&mut self) {
        // One that has ended is not recorded any more.
        trace::fail(&self.0, "cancelled", "nobody waited for its end");
        self.0.span().end();
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://club.example:8443/a/b", "https://club.example:8443/a/b")]
    #[case(
        "http://club.example/?page=2&q=a%26b",
        "http://club.example/?page=REDACTED&q=REDACTED"
    )]
    #[case(
        "http://club.example/?t0k3n&=x&a=b=c",
        "http://club.example/?REDACTED&=REDACTED&a=REDACTED"
    )]
    fn a_url_shows_what_is_asked_and_not_with_which_values(#[case] uri: &str, #[case] shown: &str) {
        assert_eq!(without_values(&uri.parse().unwrap(), None), shown);
    }

    #[rstest]
    #[case("http://[::1]:8080/", "::1")]
    #[case("http://club.example/", "club.example")]
    fn a_host_has_no_brackets(#[case] uri: &str, #[case] expected: &str) {
        assert_eq!(host(&uri.parse().unwrap()), expected);
    }
}
