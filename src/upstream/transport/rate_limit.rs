//! The upstream's own rate limit: each request waits here for its slot.
//!
//! A rate is kept by spacing requests evenly, never in bursts: nobody knows when a window of the
//! upstream begins. A response that says when to come back, in a header or in its body, delays all
//! requests of the same account, not only the one that was refused; one that says how little is left spreads them
//! ([`Pacing`]). Where callers are asked for with accounts of their own, what is said of one concerns no other.

use std::sync::Arc;
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
use crate::upstream::extensions::{carried, deadline};

use super::account_limits::AccountLimits;
use super::pacing::{LONGEST_PAUSE, Pacing};

type Limiter = governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Delays requests to the upstream's rate. Clones share it.
#[derive(Clone)]
pub(super) struct RateLimitLayer {
    clock: TokioClock,
    limiter: Option<Arc<Limiter>>,
    requested: AccountLimits,
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
            requested: AccountLimits::default(),
        }
    }

    /// Waits for a slot of an `account` of its own, or else of the upstream's; or fails at once if there is none before
    /// `deadline`. How long it waited, if it had to.
    async fn slot(
        &self,
        account: Option<&AccountLimits>,
        deadline: Option<Instant>,
    ) -> Result<Option<Duration>, UpstreamError> {
        let mut since = None;
        loop {
            let Some(slot) = self.take_slot(account) else {
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
    fn take_slot(&self, account: Option<&AccountLimits>) -> Option<Instant> {
        let mut requested = self.requested.lock();
        let mut of_account = account.map(AccountLimits::lock);
        let now = Instant::now();
        let due = of_account.as_ref().and_then(|requested| requested.due(now));
        if let Some(due) = requested.due(now).max(due) {
            return Some(due);
        }
        if let Some(limiter) = &self.limiter
            && let Err(early) = limiter.check()
        {
            return Some(now + early.wait_time_from(self.clock.now()));
        }
        requested.take(now);
        if let Some(requested) = &mut of_account {
            requested.take(now);
        }
        None
    }

    /// Whom a response is about: what a server says that fails holds for all.
    fn concerned<'a>(
        &'a self,
        account: Option<&'a AccountLimits>,
        is_of_server: bool,
    ) -> &'a AccountLimits {
        account.filter(|_| !is_of_server).unwrap_or(&self.requested)
    }

    /// Applies what the headers of a response say about the requests to come. A response that
    /// refuses nothing cannot stall a healthy upstream for long.
    pub(super) fn apply(
        &self,
        account: Option<&AccountLimits>,
        (status, headers): (StatusCode, &HeaderMap),
        now: Timestamp,
    ) {
        let concerned = self.concerned(account, status.is_server_error());
        let longest = if status.is_client_error() || status.is_server_error() {
            delay::LONGEST_DELAY
        } else {
            LONGEST_PAUSE
        };
        if let Some(pause) = delay::retry_after(headers, now) {
            concerned.block(pause.min(longest));
        }
        let limits = parse(headers, now);
        if limits.is_empty() {
            return;
        }
        let mut requested = concerned.lock();
        requested.pacing = Pacing::after(requested.pacing, &limits, Instant::now(), longest);
    }
}

impl std::fmt::Debug for RateLimitLayer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RateLimitLayer")
            .field("limited", &self.limiter.is_some())
            .field("requested", &self.requested)
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
            let account = carried::<AccountLimits, _>(&request).cloned();
            let waited = limit.slot(account.as_ref(), deadline(&request)).await?;
            if let (Some(waited), Some(observers)) = (waited, carried::<Observers, _>(&request)) {
                observers.notify(&Event::SlotAwaited(waited));
            }
            let outcome = inner.oneshot(request).await;
            if let Err(error) = &outcome
                && error.is_transient()
                && let Some(pause) = error.retry_after
            {
                let is_of_server = error.kind != ErrorKind::RateLimited;
                limit.concerned(account.as_ref(), is_of_server).block(pause);
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
            limit.slot(None, None).await.unwrap();
        }
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_secs(1), "{elapsed:?}");
        assert!(elapsed < Duration::from_millis(1100), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_delays_all_requests_and_a_deadline_before_its_end_fails_at_once() {
        let limit = RateLimitLayer::new(None);
        limit.requested.block(Duration::from_secs(30));
        let start = Instant::now();
        let error = limit
            .slot(None, Some(start + Duration::from_secs(5)))
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
        assert_eq!(start.elapsed(), Duration::ZERO);
        limit.slot(None, None).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(30));
    }

    fn limit_after(status: u16, lines: &[(&'static str, &str)]) -> RateLimitLayer {
        let limit = RateLimitLayer::new(None);
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let status = StatusCode::from_u16(status).unwrap();
        let headers: HeaderMap = headers.collect();
        limit.apply(None, (status, &headers), Timestamp::UNIX_EPOCH);
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
            limit.slot(None, None).await.unwrap();
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
        limit.slot(None, None).await.unwrap();
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
            limit.slot(None, None).await.unwrap();
            assert_eq!(start.elapsed(), longest, "{lines:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_paced_slot_beyond_the_deadline_fails_at_once() {
        let limit = limit_after(429, &[("ratelimit", "\"day\";r=0;t=300")]);
        let start = Instant::now();
        let deadline = start + Duration::from_secs(10);
        let error = limit.slot(None, Some(deadline)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_mins(5)));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[rstest]
    #[case::too_many_requests(429, [5, 0, 0])]
    #[case::a_server_that_fails(503, [5, 5, 5])]
    #[tokio::test(start_paused = true)]
    async fn what_is_said_of_one_account_delays_that_account_alone(
        #[case] status: u16,
        #[case] seconds: [u64; 3],
    ) {
        let limit = RateLimitLayer::new(None);
        let [one, other] = [AccountLimits::default(), AccountLimits::default()];
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "5".parse().unwrap())]);
        let status = StatusCode::from_u16(status).unwrap();
        limit.apply(Some(&one), (status, &headers), Timestamp::UNIX_EPOCH);
        let start = Instant::now();
        let slots = [Some(&one), Some(&other), None].map(async |account| {
            limit.slot(account, None).await.unwrap();
            start.elapsed().as_secs()
        });
        assert_eq!(futures_util::future::join_all(slots).await, seconds);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_of_one_account_spreads_its_requests_alone() {
        let limit = RateLimitLayer::new(None);
        let account = AccountLimits::default();
        let lines = [
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", "1"),
            ("x-ratelimit-reset", "20"),
        ];
        let headers = lines
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .into_iter()
            .collect();
        let said = (StatusCode::OK, &headers);
        limit.apply(Some(&account), said, Timestamp::UNIX_EPOCH);
        let start = Instant::now();
        for account in [Some(&account), None, None, Some(&account)] {
            limit.slot(account, None).await.unwrap();
            if account.is_none() {
                assert_eq!(start.elapsed().as_secs(), 0);
            }
        }
        assert!(start.elapsed().as_secs() >= 5, "{:?}", start.elapsed());
    }
}
