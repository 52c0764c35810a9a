//! The breaker as a layer of the transport.

use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::Request;
use tower::{Layer, Service, ServiceExt};

use crate::error::UpstreamError;
use crate::upstream::extensions::{OfOneCaller, ScopeNumber, carried};

use super::state::Breaker;

/// Applies a [`Breaker`] to all requests.
#[derive(Debug, Clone)]
pub(crate) struct CircuitBreakerLayer {
    breaker: Breaker,
}

impl CircuitBreakerLayer {
    pub(crate) const fn new(breaker: Breaker) -> Self {
        Self { breaker }
    }
}

impl<S> Layer<S> for CircuitBreakerLayer {
    type Service = CircuitBreaker<S>;

    fn layer(&self, inner: S) -> CircuitBreaker<S> {
        CircuitBreaker {
            inner,
            breaker: self.breaker.clone(),
        }
    }
}

/// Calls the inner service only while the breaker admits requests.
#[derive(Debug, Clone)]
pub(crate) struct CircuitBreaker<S> {
    inner: S,
    breaker: Breaker,
}

impl<S, B> Service<Request<B>> for CircuitBreaker<S>
where
    S: Service<Request<B>, Error = UpstreamError> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<S::Response, UpstreamError>>;

    // A request is admitted when it is made, not when there is capacity for one.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = self.inner.clone();
        if carried::<OfOneCaller, _>(&request).is_some() {
            return Box::pin(inner.oneshot(request));
        }
        let breaker = self.breaker.clone();
        let scope = carried::<ScopeNumber, _>(&request).copied();
        Box::pin(async move {
            let permit = breaker.admit()?.for_scope(scope);
            let outcome = inner.oneshot(request).await;
            permit.end(&outcome);
            outcome
        })
    }
}
