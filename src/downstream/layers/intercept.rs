//! Layers that decide and never wait, as two plain functions: what they do before and after.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::downstream::exchange::RequestContext;
use crate::downstream::response::Response;

/// What one layer does.
pub(crate) trait Interceptor<S>: Copy {
    /// What it keeps from the request until there is a response.
    type Kept;

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

impl<S, I, L> Service<RequestContext<S>> for Intercepted<I, L>
where
    I: Interceptor<S>,
    L: Service<RequestContext<S>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering<S, I, L::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut exchange: RequestContext<S>) -> Self::Future {
        match self.interceptor.before(&mut exchange) {
            ControlFlow::Continue(kept) => Answering::Below {
                interceptor: self.interceptor,
                kept: Some(kept),
                inner: self.inner.call(exchange),
            },
            ControlFlow::Break(response) => Answering::Here {
                response: Some(response),
            },
        }
    }
}

pin_project! {
    /// The answer of an intercepted service.
    #[project = Project]
    #[derive(Debug)]
    pub(crate) enum Answering<S, I: Interceptor<S>, F> {
        /// It comes from below.
        Below {
            interceptor: I,
            kept: Option<I::Kept>,
            #[pin]
            inner: F,
        },
        /// The interceptor has given it.
        Here { response: Option<Response> },
    }
}

impl<S, I, F> Future for Answering<S, I, F>
where
    I: Interceptor<S>,
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Project::Below {
                interceptor,
                kept,
                inner,
            } => {
                let Ok(mut response) = ready!(inner.poll(context));
                if let Some(kept) = kept.take() {
                    interceptor.after(kept, &mut response);
                }
                Poll::Ready(Ok(response))
            }
            // Nobody asks a second time: a future is over once it was ready.
            Project::Here { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
        }
    }
}
