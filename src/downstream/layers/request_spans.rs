//! A span for what happens while a request is answered, in the trace that its caller began.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use opentelemetry::TraceId;
use opentelemetry::trace::TraceContextExt as _;
use tower::{Layer, Service};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;
use crate::downstream::trace_context;

use super::answering::{Answering, Layered};

/// Runs what is below in a span of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestSpans;

impl<L> Layer<L> for RequestSpans {
    type Service = Spanning<L>;

    fn layer(&self, inner: L) -> Spanning<L> {
        Spanning(inner)
    }
}

/// A service that runs in a span of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spanning<L>(L);

impl<S: Send + Sync + 'static, L: Layered<S>> Service<&Arc<RequestContext<S>>> for Spanning<L> {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, exchange: &Arc<RequestContext<S>>) -> Answering {
        let (span, trace) = span_of(exchange);
        let inner = span.in_scope(|| self.0.call(exchange));
        // The answer says which trace the span is in.
        Answering::later(inner.instrument(span)).then(exchange, move |_, response| {
            if let Some(trace) = trace {
                response.extensions_mut().insert(trace);
            }
        })
    }
}

/// A span for the request and the trace that it is in, where a subscriber makes trace ids.
fn span_of<S>(exchange: &RequestContext<S>) -> (Span, Option<TraceId>) {
    // As loud as the loudest line in it, or a log of warnings would say that something went wrong
    // and not in which request.
    let span = tracing::warn_span!(
        "request",
        otel.kind = "server",
        method = exchange.method.as_str(),
        path = exchange.uri.path(),
        request_id = exchange.id.as_str(),
        trace_id = Empty,
    );
    let caller = trace_context::of_caller(&exchange.headers);
    // It fails where no subscriber makes trace ids, as in most tests: then there is no trace to
    // continue.
    if span.set_parent(caller).is_err() {
        return (span, None);
    }
    let context = span.context();
    let trace = context.span().span_context().trace_id();
    span.record("trace_id", trace.to_string());
    (span, Some(trace))
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::downstream::testing::{exchange, get};

    #[test]
    fn a_log_of_warnings_says_which_request_failed() {
        let subscriber = tracing_subscriber::registry().with(LevelFilter::WARN);
        tracing::subscriber::with_default(subscriber, || {
            let (span, _) = span_of(&exchange((), get("/")));
            assert!(span.has_field("path") && !span.is_disabled());
        });
    }

    #[test]
    fn the_trace_of_the_caller_is_continued() {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let subscriber =
            tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
        let request = get("/").header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        );
        tracing::subscriber::with_default(subscriber, || {
            let (span, trace) = span_of(&exchange((), request));
            let expected = "4bf92f3577b34da6a3ce929d0e0e4736";
            assert_eq!(trace.unwrap().to_string(), expected);
            let context = span.context();
            let own = context.span().span_context().span_id();
            assert_ne!(own.to_string(), "00f067aa0ba902b7");
        });
    }
}
