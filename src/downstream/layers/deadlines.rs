//! The backstop for answers that take longer than they may.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::timeout_at;
use tower::{Layer, Service};

use crate::downstream::deadline::CallerDeadline;
use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::response::Response;

use super::answering::{Answering, Layered};

/// What says how long an answer may take.
pub(crate) trait Patience {
    /// The time from a request to its answer.
    fn deadline(&self) -> Duration;

    /// The same for the requests to one path.
    fn deadline_of(&self, _path: &str) -> Duration {
        self.deadline()
    }
}

/// Gives up on what takes longer than it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines;

impl<L> Layer<L> for Deadlines {
    type Service = Bounded<L>;

    fn layer(&self, inner: L) -> Bounded<L> {
        Bounded(inner)
    }
}

/// A service that is given up when it takes too long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounded<L>(L);

impl<S: Patience + 'static, L: Layered<S>> Service<&Arc<RequestContext<S>>> for Bounded<L> {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, exchange: &Arc<RequestContext<S>>) -> Answering {
        let allowed = exchange.state.deadline_of(exchange.uri.path());
        let deadline = CallerDeadline::new(exchange.begun, allowed);
        let in_time = timeout_at(deadline.answer, self.0.call(exchange));
        Answering::later(in_time.map(move |outcome| {
            outcome.unwrap_or_else(|_| {
                let detail = format!("no answer within {allowed:?}");
                Ok(ProblemDetails::new(Kind::DeadlineExceeded, detail).into())
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::time::Instant;
    use tower::{ServiceBuilder, ServiceExt as _};

    use super::super::answering::handler;
    use super::*;
    use crate::downstream::testing::{exchange, get};

    impl Patience for Duration {
        fn deadline(&self) -> Duration {
            *self
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_is_given_up_before_the_deadline() {
        let never = handler(|_: Arc<RequestContext<Duration>>| std::future::pending());
        let stack = ServiceBuilder::new().layer(Deadlines).service(never);
        let asked = exchange(Duration::from_secs(10), get("/"));
        let begun = Instant::now();
        let Ok(response) = stack.oneshot(&asked).await;
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(begun.elapsed(), Duration::from_millis(9_875));
    }
}
