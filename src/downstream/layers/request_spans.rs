//! What happens while a request is answered happens in its trace, and its log lines say in which request.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::TryFutureExt as _;
use opentelemetry::TraceId;
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;
use crate::trace::{self, ServerTrace};

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
        let traced = match exchange.trace.get() {
            Some(ServerTrace::Sampled(span)) => span.clone(),
            Some(ServerTrace::Unsampled(id)) => trace::unsampled(&exchange.headers, *id),
            None => trace::of_request(&exchange.headers, exchange.id.trace()),
        };
        let id = traced.span().span_context().trace_id();
        let lines = span_of_lines(exchange, id);
        let inner = {
            let _attached = traced.clone().attach();
            lines.in_scope(|| self.0.call(exchange))
        };
        // The answer says which trace it is in.
        let answer = inner.with_context(traced).instrument(lines);
        Answering::later(answer.map_ok(move |mut response| {
            response.body_mut().trace = Some(id);
            response
        }))
    }
}

/// What log lines say of the request that they are about.
fn span_of_lines<S>(exchange: &RequestContext<S>, trace: TraceId) -> Span {
    // As loud as the loudest line in it, or a log of warnings would say that something went wrong
    // and not in which request.
    tracing::warn_span!(
        "request",
        method = exchange.method.as_str(),
        path = exchange.uri.path(),
        request_id = exchange.id.as_str(),
        trace_id = %trace,
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::StatusCode;
    use opentelemetry::{Context, SpanId};
    use tower::ServiceBuilder;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::answering::handler;
    use super::*;
    use crate::downstream::response::empty;
    use crate::downstream::testing::{exchange, get, send};

    #[test]
    fn a_log_of_warnings_says_which_request_failed() {
        let subscriber = tracing_subscriber::registry().with(LevelFilter::WARN);
        tracing::subscriber::with_default(subscriber, || {
            let span = span_of_lines(&exchange((), get("/")), TraceId::from(1));
            assert!(span.has_field("path") && !span.is_disabled());
        });
    }

    #[tokio::test]
    async fn the_trace_of_the_caller_is_continued_and_a_request_without_one_is_given_one() {
        let stack = ServiceBuilder::new().layer(RequestSpans).service(handler(
            async |_: Arc<RequestContext<()>>| {
                tokio::task::yield_now().await;
                let current = Context::current();
                let mut response = empty(StatusCode::OK);
                let ids = current.span().span_context().clone();
                response.extensions_mut().insert(ids.span_id());
                response.extensions_mut().insert(ids.trace_id());
                Ok(response)
            },
        ));
        let answered = send(stack, &Arc::new(()), get("/")).await;
        let own: TraceId = *answered.extensions().get().unwrap();
        assert_ne!(own, TraceId::INVALID);
        assert_eq!(answered.body().trace, Some(own));
        let continued = get("/").header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        );
        let answered = send(stack, &Arc::new(()), continued).await;
        let ids: (TraceId, SpanId) = (
            *answered.extensions().get().unwrap(),
            *answered.extensions().get().unwrap(),
        );
        assert_eq!(answered.body().trace, Some(ids.0));
        assert_eq!(
            (ids.0.to_string(), ids.1.to_string()),
            (
                "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
                "00f067aa0ba902b7".to_owned()
            )
        );
    }
}
