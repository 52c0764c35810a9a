//! Layers that decide and never wait, as two plain functions: what they do before and after.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::{Layer, Service};

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;

use super::answering::{Answering, Layered};

/// What one layer does.
pub(crate) trait Interceptor<S>: Copy + Send + 'static {
    /// What it finds out before there is a response, and needs then.
    type Kept: Send + 'static;

    /// Looks at the request, and may answer it.
    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Box<Response>, Self::Kept>;

    /// Looks at the response of what is below, and may change it.
    fn after(self, _kept: Self::Kept, _exchange: &RequestContext<S>, _response: &mut Response) {}

    /// The caller has gone, and nobody makes the response any more.
    fn abandoned(self, _exchange: &RequestContext<S>) {}
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

impl<S, I, L> Service<&Arc<RequestContext<S>>> for Intercepted<I, L>
where
    S: Send + Sync + 'static,
    I: Interceptor<S>,
    L: Layered<S>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, exchange: &Arc<RequestContext<S>>) -> Answering {
        let interceptor = self.interceptor;
        match interceptor.before(exchange) {
            ControlFlow::Continue(kept) => {
                let mut answer = self.inner.call(exchange);
                // Where it is: moving it costs more than most changes.
                if let Answering::Here(response) = &mut answer {
                    interceptor.after(kept, exchange, response);
                    return answer;
                }
                let mut awaited = AwaitedResponse {
                    interceptor,
                    exchange: Arc::clone(exchange),
                    is_over: false,
                };
                Answering::later(async move {
                    let Ok(mut response) = answer.await;
                    awaited.is_over = true;
                    interceptor.after(kept, &awaited.exchange, &mut response);
                    Ok(response)
                })
            }
            ControlFlow::Break(response) => Answering::Here(response),
        }
    }
}

/// A response that is waited for. Where this is dropped before it has come, the caller has gone.
struct AwaitedResponse<S, I: Interceptor<S>> {
    interceptor: I,
    exchange: Arc<RequestContext<S>>,
    is_over: bool,
}

impl<S, I: Interceptor<S>> Drop for AwaitedResponse<S, I> {
    fn drop(&mut self) {
        if !self.is_over {
            self.interceptor.abandoned(&self.exchange);
        }
    }
}
