//! One span and one log line for each request, in the trace that its caller began.
//!
//! The query string stays out of both: it holds what people search for, and cursors.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::request_id::RequestId;

/// Runs the request in its span, and logs how it was answered.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let span = span_of(&request);
    async {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        Span::current().record("status", status);
        let latency_ms = begun.elapsed().as_secs_f64() * 1e3;
        if response.status().is_server_error() {
            tracing::warn!(latency_ms, "request failed");
        } else {
            tracing::info!(latency_ms, "request answered");
        }
        response
    }
    .instrument(span)
    .await
}

fn span_of(request: &Request) -> Span {
    // As loud as the loudest line in it, or a log of warnings would say that a request failed and
    // not which.
    let span = tracing::warn_span!(
        "request",
        otel.kind = "server",
        method = %request.method(),
        path = request.uri().path(),
        request_id = request.extensions().get::<RequestId>().map(RequestId::as_str),
        trace_id = Empty,
        status = Empty,
    );
    let caller = TraceContextPropagator::new().extract(&Headers(request.headers()));
    // It fails where no subscriber makes trace ids, as in most tests: then there is no trace to
    // continue.
    if span.set_parent(caller).is_ok() {
        let context = span.context();
        let trace_id = context.span().span_context().trace_id();
        span.record("trace_id", trace_id.to_string());
    }
    span
}

/// Headers, as the propagator reads them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_log_of_warnings_says_which_request_failed() {
        let subscriber = tracing_subscriber::registry().with(LevelFilter::WARN);
        tracing::subscriber::with_default(subscriber, || {
            let span = span_of(&Request::new(Body::empty()));
            assert!(span.has_field("path") && !span.is_disabled());
        });
    }

    #[test]
    fn the_trace_of_the_caller_is_continued() {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let subscriber =
            tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
        let request = Request::builder()
            .header(
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            )
            .body(Body::empty())
            .unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let context = span_of(&request).context();
            let span = context.span();
            assert_eq!(
                span.span_context().trace_id().to_string(),
                "4bf92f3577b34da6a3ce929d0e0e4736"
            );
            assert_ne!(
                span.span_context().span_id().to_string(),
                "00f067aa0ba902b7"
            );
        });
    }
}
