//! Layers that decide and never wait, as two plain functions: what they do before and after.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::task::{Context, Poll};

use tower::{Layer, Service};

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;

use super::answering::{Answering, Layered};

/// What one layer does.
pub(crate) trait Interceptor<S>: Copy + Send + 'static {
    /// What it keeps from the request until there is a response.
    type Kept: Send + 'static;

    /// Looks at the request, and may change or answer it.
    fn before(self, exchange: &mut RequestContext<S>) -> ControlFlow<Response, Self::Kept>;

    /// Looks at the response of what is below, and may change it.
    fn after(self, _kept: Self::Kept, _response: &mut Response) {}
}

/// The layer of an interceptor.
pub(crate) const fn intercept<I>(interceptor: I) -> Intercept<I> {
    Intercept(interceptor)
}

/// The layer of an interceptor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intercept<I>(I);

impl<I: Copy, L> Layer<L> for Intercept<I> {
    type Service = Intercepted<I, L>;

    fn layer(&self, inner: L) -> Self::Service {
        Intercepted {
            interceptor: self.0,
            inner,
        }
    }
}

/// A service with an interceptor around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intercepted<I, L> {
    interceptor: I,
    inner: L,
}

impl<S, I, L> Service<Box<RequestContext<S>>> for Intercepted<I, L>
where
    I: Interceptor<S>,
    L: Layered<S>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut exchange: Box<RequestContext<S>>) -> Answering {
        let interceptor = self.interceptor;
        match interceptor.before(&mut exchange) {
            ControlFlow::Continue(kept) => self
                .inner
                .call(exchange)
                .then(move |response| interceptor.after(kept, response)),
            ControlFlow::Break(response) => Answering::Here(response),
        }
    }
}
