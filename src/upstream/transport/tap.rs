//! Tells observers about each attempt: the request as it is sent, signed, and the response as it
//! arrives, before it is classified.
//!
//! What is sent names the span that it is sent in, so that the upstream's own spans stand below it.
//!
//! It sits at the bottom, right above the connection. The observers come with the request
//! ([`Observers`] in its extensions); without any, it only passes the request on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use http::{Request, Response};
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

use crate::observe::{Event, Observers};
use crate::trace;
use crate::upstream::extensions::carried;

/// Reports exchanges to the observers that come with a request.
#[derive(Debug, Clone)]
pub(super) struct TapLayer {
    /// The number of the next exchange.
    next: Arc<AtomicU64>,
    /// Whether the upstream is told of the trace.
    trace_context: bool,
}

impl TapLayer {
    pub(super) fn new(trace_context: bool) -> Self {
        Self {
            next: Arc::default(),
            trace_context,
        }
    }
}

impl<S> Layer<S> for TapLayer {
    type Service = Tap<S>;

    fn layer(&self, inner: S) -> Tap<S> {
        Tap {
            inner,
            next: Arc::clone(&self.next),
            trace_context: self.trace_context,
        }
    }
}

/// Reports the exchanges of the inner service.
#[derive(Debug, Clone)]
pub(super) struct Tap<S> {
    inner: S,
    next: Arc<AtomicU64>,
    trace_context: bool,
}

impl<S> Service<Request<Bytes>> for Tap<S>
where
    S: Service<Request<Bytes>, Response = Response<Bytes>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Bytes>, BoxError>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        if self.trace_context {
            trace::inject(request.headers_mut());
        }
        let Some(observers) = carried::<Observers, _>(&request).cloned() else {
            return Either::Left(self.inner.call(request));
        };
        let exchange = self.next.fetch_add(1, Ordering::Relaxed);
        observers.notify(&Event::RequestSent {
            exchange,
            request: &request,
        });
        let start = Instant::now();
        let response = self.inner.call(request);
        Either::Right(Box::pin(async move {
            let response = response.await?;
            observers.notify(&Event::ResponseReceived {
                exchange,
                response: &response,
                elapsed: start.elapsed(),
            });
            Ok(response)
        }))
    }
}
