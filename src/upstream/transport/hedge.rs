//! Hedging: a page that is late is requested a second time, and the first good response wins.
//!
//! It sits below the retries, whose budget it shares, and above breaker and rate limit, so that the
//! second request passes them like the first. The loser is dropped, which cancels its request.
//! tower has a hedge layer too, but it measures percentiles, takes the first outcome even if it is
//! a failure, and has no budget.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, select};
use http::Request;
use tokio::sync::Notify;
use tokio::time::sleep;
use tower::retry::budget::{Budget, TpsBudget};
use tower::{Layer, Service, ServiceExt};

use crate::error::UpstreamError;
use crate::observe::{Event, Observers};
use crate::page_memory::OwnWaits;
use crate::trace;

use crate::upstream::extensions::{Hedgeable, Sent, carried, is_repeatable};

/// Sends requests a second time that take longer than `after`.
#[derive(Debug, Clone)]
pub(super) struct HedgeLayer {
    after: Duration,
    budget: Arc<TpsBudget>,
}

impl HedgeLayer {
    pub(super) const fn new(after: Duration, budget: Arc<TpsBudget>) -> Self {
        Self { after, budget }
    }
}

impl<S> Layer<S> for HedgeLayer {
    type Service = Hedge<S>;

    fn layer(&self, inner: S) -> Hedge<S> {
        Hedge {
            inner,
            after: self.after,
            budget: Arc::clone(&self.budget),
        }
    }
}

/// Sends late requests to the inner service a second time.
#[derive(Debug, Clone)]
pub(super) struct Hedge<S> {
    inner: S,
    after: Duration,
    budget: Arc<TpsBudget>,
}

impl<S> Service<Request<Bytes>> for Hedge<S>
where
    S: Service<Request<Bytes>, Error = UpstreamError> + Clone + Send + 'static,
    S::Response: Send,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<S::Response, UpstreamError>>;

    // Each request waits for the inner service itself.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        let inner = self.inner.clone();
        let after = self.after;
        let budget = Arc::clone(&self.budget);
        let may_hedge = carried::<Hedgeable, _>(&request).is_some() && is_repeatable(&request);
        if !may_hedge {
            return Box::pin(inner.oneshot(request));
        }
        Box::pin(async move {
            let second = request.clone();
            let observers = carried::<Observers, _>(&request).cloned();
            let sent = Arc::new(Notify::new());
            request.extensions_mut().insert(Sent(Arc::clone(&sent)));
            let waits = OwnWaits::default();
            request.extensions_mut().insert(waits.clone());
            let first = pin!(inner.clone().oneshot(request));
            let late = pin!(async {
                sent.notified().await;
                sleep(after).await;
            });
            let first = match select(first, late).await {
                Either::Left((outcome, _)) => return outcome,
                Either::Right(((), first)) => first,
            };
            // One that has waited for our own memory has arrived, or is about to.
            if waits.has_begun() || !budget.withdraw() {
                return first.await;
            }
            if let Some(observers) = observers {
                observers.notify(&Event::Hedged);
            }
            trace::event("hedge", Vec::new);
            let second = pin!(inner.oneshot(second));
            match select(first, second).await {
                // A permanent error is final, even while the second request is under way.
                Either::Left((Err(error), second)) if error.is_transient() => {
                    second.await.or(Err(error))
                }
                Either::Left((outcome, _)) | Either::Right((outcome @ Ok(_), _)) => outcome,
                Either::Right((Err(_), first)) => first.await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rstest::rstest;
    use tokio::time::Instant;
    use tower::service_fn;

    use super::*;
    use crate::error::ErrorKind;
    use crate::upstream::extensions::Repeatable;

    type Outcome = Result<usize, ErrorKind>;

    fn budget() -> Arc<TpsBudget> {
        Arc::new(TpsBudget::new(Duration::from_secs(10), 1, 0.2))
    }

    fn page() -> Request<Bytes> {
        let mut page = Request::get("/").body(Bytes::new()).unwrap();
        page.extensions_mut().insert(Hedgeable);
        page
    }

    fn notify(request: &Request<Bytes>) {
        if let Some(Sent(sent)) = request.extensions().get() {
            sent.notify_one();
        }
    }

    /// Sends a request to an upstream whose nth answer takes so many milliseconds. Returns the
    /// outcome, how long it took, and how many requests were sent.
    async fn send(
        request: Request<Bytes>,
        answers: &'static [(u64, Outcome)],
        budget: Arc<TpsBudget>,
    ) -> (Outcome, u128, usize) {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let upstream = service_fn(move |request: Request<Bytes>| {
            let (wait, outcome) = answers[count.fetch_add(1, Ordering::Relaxed)];
            notify(&request);
            async move {
                sleep(Duration::from_millis(wait)).await;
                outcome.map_err(|kind| UpstreamError::new(kind, "failed"))
            }
        });
        let layer = HedgeLayer::new(Duration::from_millis(300), budget);
        let start = Instant::now();
        let outcome = layer.layer(upstream).oneshot(request).await;
        let outcome = outcome.map_err(|error| error.kind);
        (
            outcome,
            start.elapsed().as_millis(),
            sent.load(Ordering::Relaxed),
        )
    }

    #[rstest]
    #[case::in_time(&[(200, Ok(1))], Ok(1), 200)]
    #[case::the_second_is_faster(&[(900, Ok(1)), (100, Ok(2))], Ok(2), 400)]
    #[case::the_first_is_faster(&[(400, Ok(1)), (500, Ok(2))], Ok(1), 400)]
    #[case::the_second_fails(&[(900, Ok(1)), (100, Err(ErrorKind::CircuitOpen))], Ok(1), 900)]
    #[case::the_first_fails(&[(400, Err(ErrorKind::Connect)), (500, Ok(2))], Ok(2), 800)]
    #[case::both_fail(
        &[(400, Err(ErrorKind::Connect)), (500, Err(ErrorKind::CircuitOpen))],
        Err(ErrorKind::Connect),
        800
    )]
    #[case::the_first_fails_permanently(
        &[(400, Err(ErrorKind::Unauthorized)), (500, Ok(2))],
        Err(ErrorKind::Unauthorized),
        400
    )]
    #[tokio::test(start_paused = true)]
    async fn the_first_good_response_wins(
        #[case] answers: &'static [(u64, Outcome)],
        #[case] expected: Outcome,
        #[case] taken: u128,
    ) {
        let expected = (expected, taken, answers.len());
        assert_eq!(send(page(), answers, budget()).await, expected);
    }

    #[rstest]
    #[case::a_login(Request::get("/").extension(Repeatable))]
    #[case::not_repeatable(Request::post("/").extension(Hedgeable))]
    #[tokio::test(start_paused = true)]
    async fn a_request_that_must_not_be_repeated_is_never_hedged(
        #[case] request: http::request::Builder,
    ) {
        let request = request.body(Bytes::new()).unwrap();
        let sent = send(request, &[(5000, Ok(1))], budget()).await;
        assert_eq!(sent, (Ok(1), 5000, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn late_responses_do_not_double_the_load_on_an_upstream() {
        let budget = budget();
        let mut requests = 0;
        for _ in 0..100 {
            let answers = &[(900, Ok(1)), (900, Ok(2))];
            let (outcome, _, sent) = send(page(), answers, Arc::clone(&budget)).await;
            assert_eq!(outcome, Ok(1));
            requests += sent;
        }
        // The budget allows one a second, and these hundred take ninety seconds.
        assert!((101..=195).contains(&requests), "{requests}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_for_the_rate_limit_is_not_late() {
        let upstream = service_fn(|request: Request<Bytes>| async move {
            sleep(Duration::from_secs(2)).await;
            notify(&request);
            sleep(Duration::from_millis(200)).await;
            Ok::<_, UpstreamError>(request.extensions().get::<Sent>().is_some())
        });
        let layer = HedgeLayer::new(Duration::from_millis(300), budget());
        let is_first = layer.layer(upstream).oneshot(page()).await.unwrap();
        assert!(is_first);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_for_our_own_memory_is_not_sent_again() {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let upstream = service_fn(move |request: Request<Bytes>| {
            count.fetch_add(1, Ordering::Relaxed);
            notify(&request);
            async move {
                let waits = request.extensions().get::<OwnWaits>().cloned();
                let _waiting = waits.as_ref().map(OwnWaits::begin);
                sleep(Duration::from_secs(5)).await;
                Ok::<_, UpstreamError>(())
            }
        });
        let layer = HedgeLayer::new(Duration::from_millis(300), budget());
        layer.layer(upstream).oneshot(page()).await.unwrap();
        assert_eq!(sent.load(Ordering::Relaxed), 1);
    }
}
