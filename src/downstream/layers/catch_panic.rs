//! A panic costs one request, not the connection that it came over.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use tower::{Layer, Service};

use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::request_id::RequestId;
use crate::downstream::response::Response;
use crate::error::panic_message;

use super::answering::{Answering, Layered};

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

impl<S: Send + Sync + 'static, L: Layered<S>> Service<&Arc<RequestContext<S>>> for Catching<L> {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, exchange: &Arc<RequestContext<S>>) -> Answering {
        // Layers that never wait do their work here, before there is a future.
        match catch_unwind(AssertUnwindSafe(|| self.0.call(exchange))) {
            Ok(Answering::Later(inner)) => {
                let exchange = Arc::clone(exchange);
                let caught = AssertUnwindSafe(inner).catch_unwind();
                let outcome = caught.map(move |outcome| {
                    outcome.unwrap_or_else(|panic| answer(&*panic, &exchange.id))
                });
                Answering::Later(Box::pin(outcome))
            }
            Ok(here) => here,
            Err(panic) => Answering::here(answer(&*panic, &exchange.id)),
        }
    }
}

fn answer(panic: &(dyn Any + Send), id: &RequestId) -> Response {
    tracing::error!(
        message = panic_message(panic),
        request_id = id.as_str(),
        "a request handler panicked"
    );
    ProblemDetails::new(Kind::Internal, "the request could not be answered").into()
}
