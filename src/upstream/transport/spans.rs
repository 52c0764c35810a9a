//! A span for each exchange, in the span of its walk.
//!
//! Attributes have the names of OpenTelemetry's semantic conventions for HTTP clients. Neither the values in
//! a query nor our credentials leave the process in a URL.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use http::{Request, Response, Uri};
use opentelemetry::KeyValue;
use opentelemetry::trace::{FutureExt as _, SpanBuilder, SpanKind, TraceContextExt as _};
use tower::{Layer, Service};

use crate::error::UpstreamError;
use crate::trace;
use crate::upstream::extensions::Resent;
use crate::upstream::masks::Masks;

/// Gives each exchange a span, where its walk has one that is recorded.
#[derive(Debug, Clone)]
pub(super) struct ExchangeSpans {
    source: Arc<str>,
    masks: Masks,
}

impl ExchangeSpans {
    pub(super) fn new(source: &Arc<str>, masks: &Masks) -> Self {
        Self {
            source: Arc::clone(source),
            masks: masks.clone(),
        }
    }

    fn of(&self, request: &Request<Bytes>) -> SpanBuilder {
        let uri = request.uri();
        let method = request.method().as_str().to_owned();
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.clone()),
            KeyValue::new("url.full", self.masks.text(&without_values(uri))),
            KeyValue::new("server.address", uri.host().unwrap_or_default().to_owned()),
            KeyValue::new("groupgate.source", self.source.to_string()),
        ];
        let port = uri.port_u16().or_else(|| match uri.scheme_str() {
            Some("https") => Some(443),
            Some("http") => Some(80),
            _ => None,
        });
        attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
        if let Some(Resent(times)) = request.extensions().get() {
            let times = i64::from(*times);
            attributes.push(KeyValue::new("http.request.resend_count", times));
        }
        let mut builder = SpanBuilder::from_name(method).with_kind(SpanKind::Client);
        builder.attributes = Some(attributes);
        builder
    }
}

/// A URL whose query has names and no values.
fn without_values(uri: &Uri) -> String {
    let whole = uri.to_string();
    let Some((before, query)) = whole.split_once('?') else {
        return whole;
    };
    let names = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}=REDACTED"),
        None => "REDACTED".to_owned(),
    });
    format!("{before}?{}", names.collect::<Vec<_>>().join("&"))
}

impl<S> Layer<S> for ExchangeSpans {
    type Service = SpannedExchange<S>;

    fn layer(&self, inner: S) -> SpannedExchange<S> {
        SpannedExchange {
            inner,
            spans: self.clone(),
        }
    }
}

/// Makes exchanges of the inner service in spans of their own.
#[derive(Debug, Clone)]
pub(super) struct SpannedExchange<S> {
    inner: S,
    spans: ExchangeSpans,
}

impl<S> Service<Request<Bytes>> for SpannedExchange<S>
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
        let Some(span) = trace::child(|| self.spans.of(&request)) else {
            return Either::Left(self.inner.call(request));
        };
        let response = {
            let _attached = span.clone().attach();
            self.inner.call(request)
        };
        let masks = self.spans.masks.clone();
        Either::Right(Box::pin(async move {
            let outcome = response.with_context(span.clone()).await;
            match &outcome {
                Ok(response) => {
                    let status = response.status();
                    let code = i64::from(status.as_u16());
                    let code = KeyValue::new("http.response.status_code", code);
                    span.span().set_attribute(code);
                    if status.is_client_error() || status.is_server_error() {
                        trace::fail(&span, status.as_str().to_owned(), "");
                    }
                }
                Err(error) => trace::fail(&span, error.kind.as_str(), &masks.text(&error.detail)),
            }
            span.span().end();
            outcome
        }))
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
        assert_eq!(without_values(&uri.parse().unwrap()), shown);
    }
}
