//! Tells observers about each attempt: the request as it is sent, signed, and the response as it
//! arrives, before it is classified.
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

/// Reports exchanges to the observers that come with a request.
#[derive(Debug, Clone, Default)]
pub(super) struct TapLayer {
    /// The number of the next exchange.
    next: Arc<AtomicU64>,
}

impl<S> Layer<S> for TapLayer {
    type Service = Tap<S>;

    fn layer(&self, inner: S) -> Tap<S> {
        Tap {
            inner,
            next: Arc::clone(&self.next),
        }
    }
}

/// Reports the exchanges of the inner service.
#[derive(Debug, Clone)]
pub(super) struct Tap<S> {
    inner: S,
    next: Arc<AtomicU64>,
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

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Some(observers) = request.extensions().get::<Observers>().cloned() else {
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
