//! How many requests may be under way at once: 503 beyond, before memory or the time of others goes.
//!
//! It stands below ready answers, which are given however many wait.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::response::Response;

use super::intercept::Interceptor;

/// When to ask again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// What knows how many requests may be under way.
pub(crate) trait ShedsLoad {
    /// A permit for each.
    fn under_way(&self) -> &Arc<Semaphore>;

    /// A permit for each that waits until its caller is known.
    fn strangers(&self) -> &Arc<Semaphore>;
}

/// Refuses a request where too many are under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shedding;

impl<S: ShedsLoad> Interceptor<S> for Shedding {
    /// Given back with the response, or when its caller has gone.
    type Kept = OwnedSemaphorePermit;

    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Response, OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(exchange.state.under_way()).try_acquire_owned() {
            return ControlFlow::Continue(permit);
        }
        let problem = ProblemDetails::new(Kind::Overloaded, "too many requests are under way");
        ControlFlow::Break(problem.with_retry_after(RETRY).into())
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::sync::Notify;
    use tower::{Service as _, ServiceBuilder};

    use super::super::answering::{Layered, handler};
    use super::super::intercept::intercept;
    use super::*;
    use crate::downstream::response::full;
    use crate::downstream::testing::{exchange, get};

    struct Busy {
        permits: Arc<Semaphore>,
        finish: Notify,
    }

    impl ShedsLoad for Busy {
        fn under_way(&self) -> &Arc<Semaphore> {
            &self.permits
        }

        fn strangers(&self) -> &Arc<Semaphore> {
            &self.permits
        }
    }

    fn stack() -> impl Layered<Busy> {
        ServiceBuilder::new()
            .layer(intercept(Shedding))
            .service(handler(async |exchange: Arc<RequestContext<Busy>>| {
                exchange.state.finish.notified().await;
                Ok(full("text/plain", "in"))
            }))
    }

    #[tokio::test]
    async fn beyond_what_may_be_under_way_a_request_is_refused_until_one_has_ended() {
        let busy = Arc::new(Busy {
            permits: Arc::new(Semaphore::new(2)),
            finish: Notify::new(),
        });
        let mut stack = stack();
        let mut ask = || stack.call(&exchange(Arc::clone(&busy), get("/")));
        let (mut first, second) = (ask(), ask());
        let Ok(refused) = ask().await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "1");
        // One has its answer, and the caller of the other has gone.
        busy.finish.notify_one();
        let Ok(answered) = (&mut first).await;
        assert_eq!(answered.status(), StatusCode::OK);
        drop(second);
        assert_eq!(busy.permits.available_permits(), 2);
    }
}
