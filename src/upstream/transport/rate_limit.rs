//! The upstream's own rate limit: each request waits here for its slot.
//!
//! A rate is kept by spacing requests evenly, never in bursts: nobody knows when a window of the
//! upstream begins. A response that says when to come back, in a header or in its body, delays all
//! requests, not only the one that was refused; one that says how little is left spreads them
//! ([`Pacing`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};
use tower::{Layer, Service, ServiceExt};

use crate::clock::TokioClock;
use crate::error::{ErrorKind, UpstreamError};
use crate::observe::{Event, Observers};
use crate::plan::Rate;
use crate::upstream::classify::delay;
use crate::upstream::classify::rate_limit_headers::parse;
use crate::upstream::extensions::deadline;

use super::pacing::{LONGEST_PAUSE, Pacing};

type Limiter = governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Delays requests to the upstream's rate. Clones share it.
#[derive(Clone)]
pub(super) struct RateLimitLayer {
    clock: TokioClock,
    limiter: Option<Arc<Limiter>>,
    requested: Arc<Mutex<Requested>>,
}

/// What the upstream has requested in its responses.
#[derive(Debug, Default)]
struct Requested {
    blocked_until: Option<Instant>,
    pacing: Option<Pacing>,
}

impl RateLimitLayer {
    /// Requests at `rate`; without one, immediately.
    pub(super) fn new(rate: Option<Rate>) -> Self {
        let clock = TokioClock::new();
        let limiter = rate
            .and_then(|rate| governor::Quota::with_period(rate.interval()))
            .map(|quota| Arc::new(Limiter::direct_with_clock(quota, clock)));
        Self {
            clock,
            limiter,
            requested: Arc::default(),
        }
    }

    /// Waits for a slot, or fails at once if there is none before `deadline`. How long it waited, if it had to.
    async fn slot(&self, deadline: Option<Instant>) -> Result<Option<Duration>, UpstreamError> {
        let mut since = None;
        loop {
            let Some(slot) = self.take_slot() else {
                return Ok(since.map(|since: Instant| since.elapsed()));
            };
            since.get_or_insert_with(Instant::now);
            if deadline.is_some_and(|deadline| slot > deadline) {
                return Err(UpstreamError::new(
                    ErrorKind::RateLimited,
                    "the upstream's rate limit allows no request before the deadline",
                )
                .with_retry_after(Some(slot.saturating_duration_since(Instant::now()))));
            }
            sleep_until(slot).await;
        }
    }

    /// When to try again; `None` if a slot was taken.
    fn take_slot(&self) -> Option<Instant> {
        let mut requested = self.requested();
        let now = Instant::now();
        if let Some(until) = requested.blocked_until.filter(|&until| until > now) {
            return Some(until);
        }
        if let Some(due) = requested.pacing.and_then(|pacing| pacing.due(now)) {
            return Some(due);
        }
        if let Some(limiter) = &self.limiter
            && let Err(early) = limiter.check()
        {
            return Some(now + early.wait_time_from(self.clock.now()));
        }
        if let Some(pacing) = &mut requested.pacing {
            pacing.take(now);
        }
        None
    }

    fn requested(&self) -> MutexGuard<'_, Requested> {
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Delays all requests for so long.
    fn block(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let blocked = &mut self.requested().blocked_until;
        *blocked = Some(blocked.map_or(until, |earlier| earlier.max(until)));
    }

    /// Applies what the headers of a response say about the requests to come. A response that
    /// refuses nothing cannot stall a healthy upstream for long.
    pub(super) fn apply(&self, status: StatusCode, headers: &HeaderMap, now: Timestamp) {
        let longest = if status.is_client_error() || status.is_server_error() {
            delay::LONGEST_DELAY
        } else {
            LONGEST_PAUSE
        };
        if let Some(pause) = delay::retry_after(headers, now) {
            self.block(pause.min(longest));
        }
        let limits = parse(headers, now);
        if limits.is_empty() {
            return;
        }
        let mut requested = self.requested();
        requested.pacing = Pacing::after(requested.pacing, &limits, Instant::now(), longest);
    }
}

impl std::fmt::Debug for RateLimitLayer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RateLimitLayer")
            .field("limited", &self.limiter.is_some())
            .field("requested", &self.requested())
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit {
            inner,
            limit: self.clone(),
        }
    }
}

/// Calls the inner service when the request's slot has come.
#[derive(Debug, Clone)]
pub(super) struct RateLimit<S> {
    inner: S,
    limit: RateLimitLayer,
}

impl<S, B> Service<Request<B>> for RateLimit<S>
where
    S: Service<Request<B>, Error = UpstreamError> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<S::Response, UpstreamError>>;

    // The inner service is polled only after the wait: its readiness is a permit, and a request
    // that waits for its slot must not hold one.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = self.inner.clone();
        let limit = self.limit.clone();
        Box::pin(async move {
            let waited = limit.slot(deadline(&request)).await?;
            if let (Some(waited), Some(observers)) =
                (waited, request.extensions().get::<Observers>())
            {
                observers.notify(&Event::SlotAwaited(waited));
            }
            let outcome = inner.oneshot(request).await;
            if let Err(error) = &outcome
                && error.is_transient()
                && let Some(pause) = error.retry_after
            {
                limit.block(pause);
            }
            outcome
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use rstest::rstest;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced_evenly() {
        let limit = RateLimitLayer::new("5/s".parse().ok());
        let start = Instant::now();
        for _ in 0..6 {
            limit.slot(None).await.unwrap();
        }
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_secs(1), "{elapsed:?}");
        assert!(elapsed < Duration::from_millis(1100), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_delays_all_requests_and_a_deadline_before_its_end_fails_at_once() {
        let limit = RateLimitLayer::new(None);
        limit.block(Duration::from_secs(30));
        let start = Instant::now();
        let error = limit
            .slot(Some(start + Duration::from_secs(5)))
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
        assert_eq!(start.elapsed(), Duration::ZERO);
        limit.slot(None).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(30));
    }

    fn limit_after(status: u16, lines: &[(&'static str, &str)]) -> RateLimitLayer {
        let limit = RateLimitLayer::new(None);
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let status = StatusCode::from_u16(status).unwrap();
        limit.apply(status, &headers.collect(), Timestamp::UNIX_EPOCH);
        limit
    }

    #[tokio::test(start_paused = true)]
    async fn the_remaining_requests_are_spread_over_all_that_wait() {
        let limit = limit_after(
            200,
            &[
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", "4"),
                ("x-ratelimit-reset", "20"),
            ],
        );
        let start = Instant::now();
        let slots = (0..5).map(|_| async {
            limit.slot(None).await.unwrap();
            start.elapsed().as_secs()
        });
        let mut slots = futures_util::future::join_all(slots).await;
        slots.sort_unstable();
        assert_eq!(slots, [0, 5, 10, 15, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_after_on_any_response_delays_all_requests() {
        let limit = limit_after(200, &[("retry-after", "7")]);
        let start = Instant::now();
        limit.slot(None).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 7);
    }

    #[rstest]
    #[case::of_a_success(200, LONGEST_PAUSE)]
    #[case::of_a_redirect(302, LONGEST_PAUSE)]
    #[case::of_a_client_error(429, delay::LONGEST_DELAY)]
    #[case::of_a_server_error(503, delay::LONGEST_DELAY)]
    #[tokio::test(start_paused = true)]
    async fn no_header_delays_requests_for_long(#[case] status: u16, #[case] longest: Duration) {
        for lines in [
            &[
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "99999999999"),
            ][..],
            &[
                ("x-rate-limit-remaining", "0"),
                ("x-rate-limit-reset", "999999999"),
            ][..],
            &[("retry-after", "18446744073709551615")][..],
        ] {
            let limit = limit_after(status, lines);
            let start = Instant::now();
            limit.slot(None).await.unwrap();
            assert_eq!(start.elapsed(), longest, "{lines:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_paced_slot_beyond_the_deadline_fails_at_once() {
        let limit = limit_after(429, &[("ratelimit", "\"day\";r=0;t=300")]);
        let start = Instant::now();
        let deadline = start + Duration::from_secs(10);
        let error = limit.slot(Some(deadline)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_mins(5)));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
