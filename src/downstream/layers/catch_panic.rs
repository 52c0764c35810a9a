//! A panic costs one request, not the connection that it came over.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt as _;
use futures_util::future::CatchUnwind;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::request_id::RequestId;
use crate::downstream::response::Response;

/// Answers a request with a problem when what is below panics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatchPanic;

impl<L> Layer<L> for CatchPanic {
    type Service = Catching<L>;

    fn layer(&self, inner: L) -> Catching<L> {
        Catching(inner)
    }
}

/// A service whose panics are caught.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Catching<L>(L);

impl<S, L> Service<RequestContext<S>> for Catching<L>
where
    L: Service<RequestContext<S>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Caught<L::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, exchange: RequestContext<S>) -> Self::Future {
        let id = exchange.id.clone();
        // Layers that never wait do their work here, before there is a future.
        match catch_unwind(AssertUnwindSafe(|| self.0.call(exchange))) {
            Ok(inner) => Caught::Answering {
                inner: AssertUnwindSafe(inner).catch_unwind(),
                id,
            },
            Err(panic) => Caught::Panicked {
                response: Some(answer(&*panic, &id)),
            },
        }
    }
}

pin_project! {
    /// The answer of a service whose panics are caught.
    #[project = Project]
    #[derive(Debug)]
    pub(crate) enum Caught<F> {
        Answering {
            #[pin]
            inner: CatchUnwind<AssertUnwindSafe<F>>,
            id: RequestId,
        },
        Panicked { response: Option<Response> },
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Caught<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Project::Answering { inner, id } => Poll::Ready(match ready!(inner.poll(context)) {
                Ok(outcome) => outcome,
                Err(panic) => Ok(answer(&*panic, id)),
            }),
            // Nobody asks a second time: a future is over once it was ready.
            Project::Panicked { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
        }
    }
}

fn answer(panic: &(dyn Any + Send), id: &RequestId) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(
        message,
        request_id = id.as_str(),
        "a request handler panicked"
    );
    ProblemDetails::new(Kind::Internal, "the request could not be answered").into()
}
