//! Retries: which requests are sent again, how soon, and how many of them.
//!
//! Whether an error is transient is decided below, once, for statuses, bodies and broken
//! connections alike; this layer only counts and waits.
//!
//! A budget, not a count, protects an upstream that is down: retries are a fraction of all
//! requests, so a hundred failing callers do not become three hundred. Hedges (`hedge`) are paid for from
//! the same budget: what is sent beyond the requests themselves is bounded once. The wait between two
//! attempts is drawn evenly from zero to a bound that doubles (full jitter), so callers that failed
//! together do not come back together.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use opentelemetry::KeyValue;
use rand::RngExt;
use tokio::time::{Instant, Sleep, sleep};
use tower::retry::Policy;
use tower::retry::budget::{Budget, TpsBudget};

use crate::backoff;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};
use crate::trace;

use crate::upstream::extensions::{Purpose, Resent, carried, deadline, is_repeatable};

/// The bound of the wait before the first retry.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The largest bound.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The retry budget of one upstream: a fifth of its requests over the last ten seconds, and one a
/// second in any case.
pub(super) fn budget() -> Arc<TpsBudget> {
    Arc::new(TpsBudget::new(Duration::from_secs(10), 1, 0.2))
}

/// Decides whether one request is retried.
#[derive(Debug, Clone)]
pub(super) struct RetryPolicy {
    budget: Arc<TpsBudget>,
    retries: u32,
    attempted: u32,
    /// The error of the attempt before.
    failed: Option<UpstreamError>,
}

impl RetryPolicy {
    /// At most so many retries of one request, within the upstream's `budget`.
    pub(super) fn new(retries: u32, budget: Arc<TpsBudget>) -> Self {
        Self {
            budget,
            retries,
            attempted: 0,
            failed: None,
        }
    }

    /// How long to wait before the next attempt, if deadline and budget allow one.
    fn wait(
        &mut self,
        retry_after: Option<Duration>,
        deadline: Option<Instant>,
    ) -> Option<Duration> {
        if self.attempted >= self.retries {
            return None;
        }
        let bound = backoff::exponential(FIRST_WAIT, self.attempted, LONGEST_WAIT);
        self.attempted += 1;
        let jitter = bound.mul_f64(rand::rng().random());
        let wait = retry_after.unwrap_or_default().max(jitter);
        if deadline.is_some_and(|deadline| Instant::now() + wait >= deadline) {
            return None;
        }
        self.budget.withdraw().then_some(wait)
    }
}

impl<R> Policy<Request<Bytes>, R, UpstreamError> for RetryPolicy {
    type Future = Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Bytes>,
        outcome: &mut Result<R, UpstreamError>,
    ) -> Option<Sleep> {
        let retry_after = match outcome {
            Err(error) if error.is_transient() => {
                self.failed = Some(error.clone());
                error.retry_after
            }
            // Nothing was sent: a retry cannot help, and the budget earns nothing.
            Err(error) if error.kind == ErrorKind::CircuitOpen => {
                // Report the error that opened the breaker; a request that was never sent has only
                // the rejection.
                if let Some(failed) = self.failed.take() {
                    let wait = failed.retry_after.max(error.retry_after);
                    *error = failed.with_retry_after(wait);
                }
                return None;
            }
            // It says nothing of the upstream.
            Err(error) if error.kind == ErrorKind::Overloaded => return None,
            Ok(_) | Err(_) => {
                self.budget.deposit();
                return None;
            }
        };
        let wait = self.wait(retry_after, deadline(request))?;
        if let (Err(error), Some(observers)) = (&*outcome, carried::<Observers, _>(request)) {
            let position = match carried(request) {
                Some(Purpose::Page(position)) => Some(position),
                Some(Purpose::Login | Purpose::Count) | None => None,
            };
            observers.notify(&Event::Retried { position, error });
        }
        request.extensions_mut().insert(Resent(self.attempted));
        trace::event("retry", || {
            let failed = self.failed.as_ref();
            let error_type = failed.map_or("", |error| error.kind.as_str());
            vec![
                KeyValue::new("error.type", error_type),
                KeyValue::new("groupgate.retry.attempt", i64::from(self.attempted)),
                trace::count("groupgate.retry.wait_ms", wait.as_millis() as u64),
            ]
        });
        Some(sleep(wait))
    }

    /// Only repeatable requests are kept for a retry (RFC 9110, section 9.2.2).
    fn clone_request(&mut self, request: &Request<Bytes>) -> Option<Request<Bytes>> {
        is_repeatable(request).then(|| request.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::extensions::Repeatable;

    #[tokio::test(start_paused = true)]
    async fn an_upstream_that_is_down_sees_few_retries_however_many_fail() {
        let policy = RetryPolicy::new(2, budget());
        let retries = (0..100)
            .filter(|_| policy.clone().wait(None, None).is_some())
            .count();
        assert!((1..=20).contains(&retries), "{retries}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_is_no_retry() {
        let mut policy = RetryPolicy::new(2, budget());
        let deadline = Some(Instant::now() + Duration::from_secs(5));
        assert_eq!(policy.wait(Some(Duration::from_secs(6)), deadline), None);
        assert!(
            policy
                .wait(Some(Duration::from_secs(1)), deadline)
                .is_some()
        );
    }

    fn clone(policy: &mut RetryPolicy, request: &Request<Bytes>) -> Option<Request<Bytes>> {
        Policy::<_, (), _>::clone_request(policy, request)
    }

    #[test]
    fn a_post_is_sent_once_unless_it_is_idempotent() {
        let mut policy = RetryPolicy::new(1, budget());
        let mut post = Request::post("/").body(Bytes::new()).unwrap();
        assert!(clone(&mut policy, &post).is_none());
        post.extensions_mut().insert(Repeatable);
        assert!(clone(&mut policy, &post).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_that_the_breaker_rejects_ends_with_the_error_before_it() {
        let mut policy = RetryPolicy::new(2, budget());
        let mut request = Request::get("/").body(Bytes::new()).unwrap();
        let mut outcome = Err::<(), _>(UpstreamError::new(ErrorKind::Connect, "reset"));
        assert!(policy.retry(&mut request, &mut outcome).is_some());
        let open_for = Some(Duration::from_secs(5));
        let rejection = UpstreamError::new(ErrorKind::CircuitOpen, "rejected");
        outcome = Err(rejection.with_retry_after(open_for));
        assert!(policy.retry(&mut request, &mut outcome).is_none());
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), "connect: reset");
        assert_eq!(error.retry_after, open_for);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejection_by_the_breaker_is_not_retried_and_earns_no_budget() {
        let mut policy = RetryPolicy::new(100, budget());
        let mut request = Request::get("/").body(Bytes::new()).unwrap();
        let mut answer = |kind| {
            let mut outcome = Err::<(), _>(UpstreamError::new(kind, "failed"));
            policy.retry(&mut request, &mut outcome).is_some()
        };
        for _ in 0..1000 {
            assert!(!answer(ErrorKind::CircuitOpen));
        }
        let retries = (0..100).filter(|_| answer(ErrorKind::Connect)).count();
        assert!((1..=20).contains(&retries), "{retries}");
    }
}
