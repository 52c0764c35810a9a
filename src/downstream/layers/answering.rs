//! What a layer answers: most of the time at once.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tower::Service;

use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::ProblemDetails;
use crate::downstream::response::Response;

/// The answer of a layer, or what will give it. What is ready passes the layers on its way back at once, with
/// no future in any of them.
pub(crate) enum Answering {
    /// The answer. Each layer hands it on, so it is a box, and is made in one where it is ready.
    Here(Box<Response>),
    /// It waits for something.
    Later(BoxFuture<'static, Response>),
}

impl Answering {
    /// An answer that is ready.
    pub(crate) fn here(response: Response) -> Self {
        Self::Here(Box::new(response))
    }

    /// The answer of a future.
    pub(crate) fn later(
        answer: impl Future<Output = Result<Response, Infallible>> + Send + 'static,
    ) -> Self {
        Self::Later(Box::pin(answer.map(|Ok(response)| response)))
    }
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            // Nobody asks a second time: a future is over once it was ready.
            Self::Here(response) => Poll::Ready(Ok(std::mem::take(&mut **response))),
            Self::Later(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}

/// What answers requests. Layers borrow them, so that none keeps a copy of what it needs once there is an answer.
pub(crate) trait Layered<S: 'static>:
    for<'a> Service<
        &'a Arc<RequestContext<S>>,
        Response = Response,
        Error = Infallible,
        Future = Answering,
    >
{
}

impl<S: 'static, T> Layered<S> for T where
    T: for<'a> Service<
            &'a Arc<RequestContext<S>>,
            Response = Response,
            Error = Infallible,
            Future = Answering,
        >
{
}

/// What answers in the end, by a function.
pub(crate) const fn handler<R>(route: R) -> Handler<R> {
    Handler(route)
}

/// What answers in the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handler<R>(R);

impl<S, R, F> Service<&Arc<RequestContext<S>>> for Handler<R>
where
    R: Fn(Arc<RequestContext<S>>) -> F,
    F: Future<Output = Result<Response, ProblemDetails>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, exchange: &Arc<RequestContext<S>>) -> Answering {
        let outcome = (self.0)(Arc::clone(exchange));
        Answering::Later(Box::pin(
            outcome.map(|outcome| outcome.unwrap_or_else(Response::from)),
        ))
    }
}
