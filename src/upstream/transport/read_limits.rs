//! Reads from each response what it says of the requests to come.

use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower::{Layer, Service};

use super::account_limits::AccountLimits;
use super::rate_limit::RateLimitLayer;
use crate::clock::WallClock;
use crate::upstream::extensions::carried;

/// Applies what the headers of each response say to the limits of whom it is about.
#[derive(Debug, Clone)]
pub(super) struct ReadLimitsLayer(pub(super) Option<(RateLimitLayer, WallClock)>);

impl<S> Layer<S> for ReadLimitsLayer {
    type Service = ReadLimits<S>;

    fn layer(&self, inner: S) -> ReadLimits<S> {
        ReadLimits {
            inner,
            limit: self.0.clone(),
        }
    }
}

/// The service of [`ReadLimitsLayer`].
#[derive(Debug, Clone)]
pub(super) struct ReadLimits<S> {
    inner: S,
    limit: Option<(RateLimitLayer, WallClock)>,
}

impl<S, B, R> Service<Request<B>> for ReadLimits<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some((limit, wall)) = self.limit.clone() else {
            return Box::pin(self.inner.call(request));
        };
        let account = carried::<AccountLimits, _>(&request).cloned();
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = response.await?;
            let said = (response.status(), response.headers());
            limit.apply(account.as_ref(), said, wall.now());
            Ok(response)
        })
    }
}
