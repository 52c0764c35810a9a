//! Which tries are made again, how soon, and how many the upstream can bear.
//!
//! What failed and whether it may pass is judged below, once, for statuses, bodies and broken
//! connections alike; here is only counted and waited.
//!
//! A budget, not a count, protects an upstream that is down: retries are a share of what succeeds
//! anyway, so a hundred failing callers do not become three hundred. Between two tries the wait is
//! drawn evenly from zero to a bound that doubles (full jitter), so callers that failed together
//! do not come back together.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use rand::RngExt;
use tokio::time::{Instant, Sleep, sleep};
use tower::retry::Policy;
use tower::retry::budget::{Budget, TpsBudget};

use crate::error::{ErrorKind, UpstreamError};

use crate::upstream::extensions::{deadline, is_repeatable};

/// The bound of the wait before the first retry.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The bound that doubling stops at.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often an upstream's requests may be sent again, all together: a fifth of them over the last
/// ten seconds, and one a second in any case.
pub(super) fn budget() -> Arc<TpsBudget> {
    Arc::new(TpsBudget::new(Duration::from_secs(10), 1, 0.2))
}

/// Decides, for one request, whether it is tried again.
#[derive(Debug, Clone)]
pub(super) struct RetryPolicy {
    budget: Arc<TpsBudget>,
    retries_left: u32,
    bound: Duration,
    /// Why the try before failed.
    failed: Option<UpstreamError>,
}

impl RetryPolicy {
    /// At most so many retries of one request, as far as the upstream's `budget` allows.
    pub(super) fn new(retries: u32, budget: Arc<TpsBudget>) -> Self {
        Self {
            budget,
            retries_left: retries,
            bound: FIRST_WAIT,
            failed: None,
        }
    }

    /// How long to wait before the next try, as far as the deadline and the budget allow one.
    fn wait(&mut self, asked: Option<Duration>, deadline: Option<Instant>) -> Option<Duration> {
        self.retries_left = self.retries_left.checked_sub(1)?;
        let jitter = self.bound.mul_f64(rand::rng().random());
        self.bound = (self.bound * 2).min(LONGEST_WAIT);
        let wait = asked.unwrap_or_default().max(jitter);
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
        let asked = match outcome {
            Err(error) if error.is_transient() => {
                self.failed = Some(error.clone());
                error.retry_after
            }
            // Nothing was sent: it neither helps to try again nor earns a try for others.
            Err(error) if error.kind == ErrorKind::CircuitOpen => {
                // What opened the breaker is the news; only a request that was never sent has
                // none but the refusal.
                if let Some(failed) = self.failed.take() {
                    let wait = failed.retry_after.max(error.retry_after);
                    *error = failed.with_retry_after(wait);
                }
                return None;
            }
            Ok(_) | Err(_) => {
                self.budget.deposit();
                return None;
            }
        };
        self.wait(asked, deadline(request)).map(sleep)
    }

    /// Only what may be sent twice is kept for a second time (RFC 9110, section 9.2.2).
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
    fn a_post_is_sent_once_unless_it_only_reads() {
        let mut policy = RetryPolicy::new(1, budget());
        let mut post = Request::post("/").body(Bytes::new()).unwrap();
        assert!(clone(&mut policy, &post).is_none());
        post.extensions_mut().insert(Repeatable);
        assert!(clone(&mut policy, &post).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_that_the_breaker_refuses_ends_with_what_failed_before_it() {
        let mut policy = RetryPolicy::new(2, budget());
        let mut request = Request::get("/").body(Bytes::new()).unwrap();
        let mut outcome = Err::<(), _>(UpstreamError::new(ErrorKind::Connect, "reset"));
        assert!(policy.retry(&mut request, &mut outcome).is_some());
        let rest = Some(Duration::from_secs(5));
        let refusal = UpstreamError::new(ErrorKind::CircuitOpen, "not asked");
        outcome = Err(refusal.with_retry_after(rest));
        assert!(policy.retry(&mut request, &mut outcome).is_none());
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), "connect: reset");
        assert_eq!(error.retry_after, rest);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_of_the_breaker_is_not_tried_again_and_earns_no_tries() {
        let mut policy = RetryPolicy::new(100, budget());
        let mut request = Request::get("/").body(Bytes::new()).unwrap();
        let mut answer = |kind| {
            let mut outcome = Err::<(), _>(UpstreamError::new(kind, "so it is"));
            policy.retry(&mut request, &mut outcome).is_some()
        };
        for _ in 0..1000 {
            assert!(!answer(ErrorKind::CircuitOpen));
        }
        let retries = (0..100).filter(|_| answer(ErrorKind::Connect)).count();
        assert!((1..=20).contains(&retries), "{retries}");
    }
}
