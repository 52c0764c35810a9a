//! Tells observers what came of each attempt and how long it took, as the upstream is to blame for it: without
//! what it waited for a slot or a permit, and before the response is classified.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use http::{Request, Response};
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::error::UpstreamError;
use crate::observe::{Event, Observers};

/// Reports attempts to the observers that come with a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttemptLayer;

impl<S> Layer<S> for AttemptLayer {
    type Service = Attempts<S>;

    fn layer(&self, inner: S) -> Attempts<S> {
        Attempts(inner)
    }
}

/// Reports the attempts of the inner service.
#[derive(Debug, Clone)]
pub(super) struct Attempts<S>(S);

impl<S> Service<Request<Bytes>> for Attempts<S>
where
    S: Service<Request<Bytes>, Response = Response<Bytes>, Error = UpstreamError>,
    S::Future: Send + 'static,
{
    type Response = Response<Bytes>;
    type Error = UpstreamError;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Bytes>, UpstreamError>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Some(observers) = request.extensions().get::<Observers>().cloned() else {
            return Either::Left(self.0.call(request));
        };
        let method = request.method().clone();
        let begun = Instant::now();
        let response = self.0.call(request);
        Either::Right(Box::pin(async move {
            let response = response.await;
            let outcome = response.as_ref();
            observers.notify(&Event::AttemptEnded {
                method: &method,
                outcome: outcome.map(Response::status).map_err(|error| error.kind),
                elapsed: begun.elapsed(),
            });
            response
        }))
    }
}
