//! How many requests may be under way at once: 503 beyond, before memory or the time of others goes, and 429 for a
//! client that has its share of them.
//!
//! It stands below ready answers, which are given however many wait.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::downstream::exchange::RequestContext;
use crate::downstream::problem::{Kind, ProblemDetails};
use crate::downstream::request_places::{NoPlace, RequestPlace, RequestPlaces};
use crate::downstream::response::Response;

use super::intercept::Interceptor;

/// When to ask again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// What knows how many requests may be under way.
pub(crate) trait ShedsLoad {
    /// A place for each.
    fn under_way(&self) -> &Arc<RequestPlaces>;

    /// A place for each that waits until its caller is known.
    fn strangers(&self) -> &Arc<RequestPlaces>;
}

/// Refuses a request where too many are under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shedding;

impl<S: ShedsLoad> Interceptor<S> for Shedding {
    /// Given back with the response, or when its caller has gone.
    type Kept = RequestPlace;

    fn before(self, exchange: &RequestContext<S>) -> ControlFlow<Box<Response>, RequestPlace> {
        let (kind, detail) = match exchange.state.under_way().take(exchange.client.network) {
            Ok(place) => return ControlFlow::Continue(place),
            Err(NoPlace::Full) => (Kind::Overloaded, "too many requests are under way"),
            Err(NoPlace::ClientFull) => {
                let detail = "too many requests of this client are under way";
                (Kind::TooManyRequests, detail)
            }
        };
        let problem = ProblemDetails::new(kind, detail);
        ControlFlow::Break(Box::new(problem.with_retry_after(RETRY).into()))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::sync::Notify;
    use tower::{Service as _, ServiceBuilder};

    use super::super::answering::{Answering, Layered, handler};
    use super::super::intercept::intercept;
    use super::*;
    use crate::downstream::response::full;
    use crate::downstream::testing::{exchange_from, get};

    struct Busy {
        places: Arc<RequestPlaces>,
        finish: Notify,
    }

    impl ShedsLoad for Busy {
        fn under_way(&self) -> &Arc<RequestPlaces> {
            &self.places
        }

        fn strangers(&self) -> &Arc<RequestPlaces> {
            &self.places
        }
    }

    fn busy(total: usize, per_client: usize) -> Arc<Busy> {
        Arc::new(Busy {
            places: RequestPlaces::new(total, per_client),
            finish: Notify::new(),
        })
    }

    fn stack() -> impl Layered<Busy> {
        ServiceBuilder::new()
            .layer(intercept(Shedding))
            .service(handler(async |exchange: Arc<RequestContext<Busy>>| {
                exchange.state.finish.notified().await;
                Ok(full("text/plain", "in"))
            }))
    }

    fn ask(busy: &Arc<Busy>, peer: &str) -> Answering {
        stack().call(&exchange_from(peer, Arc::clone(busy), get("/")))
    }

    #[tokio::test]
    async fn beyond_what_may_be_under_way_a_request_is_refused_until_one_has_ended() {
        let busy = busy(2, 2);
        let (mut first, second) = (ask(&busy, "192.0.2.1:1"), ask(&busy, "192.0.2.2:1"));
        let Ok(refused) = ask(&busy, "192.0.2.3:1").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "1");
        // One has its answer, and the caller of the other has gone.
        busy.finish.notify_one();
        let Ok(answered) = (&mut first).await;
        assert_eq!(answered.status(), StatusCode::OK);
        drop(second);
        let _both = (ask(&busy, "192.0.2.3:1"), ask(&busy, "192.0.2.3:1"));
        let Ok(refused) = ask(&busy, "192.0.2.1:1").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn a_client_with_its_share_under_way_is_refused_and_others_are_not() {
        let busy = busy(8, 2);
        let _share = [ask(&busy, "192.0.2.1:1"), ask(&busy, "192.0.2.1:2")];
        let Ok(refused) = ask(&busy, "192.0.2.1:3").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers()["retry-after"], "1");
        let mut other = ask(&busy, "192.0.2.2:1");
        busy.finish.notify_one();
        let Ok(answered) = (&mut other).await;
        assert_eq!(answered.status(), StatusCode::OK);
    }
}
