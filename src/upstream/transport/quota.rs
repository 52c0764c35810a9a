//! The upstream's own rate limit: every exchange waits for its turn here.
//!
//! A rate is kept by spacing requests evenly, never by a burst and a pause: a window of the
//! upstream's may begin at any moment. An answer that says when to come back, in a header or in its
//! body, holds the turns of all, not only of the request that was refused; one that says how little
//! is left spreads them ([`pace`](super::pace)).

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
use crate::config::Rate;

use crate::error::{ErrorKind, UpstreamError};
use crate::upstream::classify::delay;

use super::pace::{LONGEST_PACE, Spread, allowances};
use crate::upstream::extensions::deadline;

type Limiter = governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Hands out turns at the upstream's rate. Clones share it.
#[derive(Clone)]
pub struct Quota {
    clock: TokioClock,
    limiter: Option<Arc<Limiter>>,
    asked: Arc<Mutex<Asked>>,
}

/// What the upstream has asked for.
#[derive(Debug, Default)]
struct Asked {
    held_until: Option<Instant>,
    spread: Option<Spread>,
}

impl Quota {
    /// Turns at `rate`; without one, at once.
    pub fn new(rate: Option<Rate>) -> Self {
        let clock = TokioClock::new();
        let limiter = rate
            .and_then(|rate| governor::Quota::with_period(rate.interval()))
            .map(|quota| Arc::new(Limiter::direct_with_clock(quota, clock)));
        Self {
            clock,
            limiter,
            asked: Arc::default(),
        }
    }

    /// Waits for a turn, or says at once that none comes before `deadline`.
    async fn turn(&self, deadline: Option<Instant>) -> Result<(), UpstreamError> {
        loop {
            let Some(turn) = self.next_turn() else {
                return Ok(());
            };
            if deadline.is_some_and(|deadline| turn > deadline) {
                return Err(UpstreamError::new(
                    ErrorKind::RateLimited,
                    "no turn within the deadline at the rate that the upstream allows",
                )
                .with_retry_after(Some(turn.saturating_duration_since(Instant::now()))));
            }
            sleep_until(turn).await;
        }
    }

    /// When to try again; `None` took a turn.
    fn next_turn(&self) -> Option<Instant> {
        let mut asked = self.asked();
        let now = Instant::now();
        if let Some(held) = asked.held_until.filter(|&until| until > now) {
            return Some(held);
        }
        if let Some(due) = asked.spread.and_then(|spread| spread.due(now)) {
            return Some(due);
        }
        if let Some(limiter) = &self.limiter
            && let Err(early) = limiter.check()
        {
            return Some(now + early.wait_time_from(self.clock.now()));
        }
        if let Some(spread) = &mut asked.spread {
            spread.take(now);
        }
        None
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps every turn back for so long.
    fn hold(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let held = &mut self.asked().held_until;
        *held = Some(held.map_or(until, |earlier| earlier.max(until)));
    }

    /// Heeds what the header section of any answer says of the turns to come. One that refuses
    /// nothing cannot stall an upstream that is well.
    pub fn heed(&self, status: StatusCode, headers: &HeaderMap, now: Timestamp) {
        let longest = if status.is_client_error() || status.is_server_error() {
            delay::LONGEST_DELAY
        } else {
            LONGEST_PACE
        };
        if let Some(pause) = delay::retry_after(headers, now) {
            self.hold(pause.min(longest));
        }
        let said = allowances(headers, now);
        if said.is_empty() {
            return;
        }
        let mut asked = self.asked();
        asked.spread = Spread::after(asked.spread, &said, Instant::now(), longest);
    }
}

impl std::fmt::Debug for Quota {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Quota")
            .field("limited", &self.limiter.is_some())
            .field("asked", &self.asked())
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for Quota {
    type Service = Paced<S>;

    fn layer(&self, inner: S) -> Paced<S> {
        Paced {
            inner,
            quota: self.clone(),
        }
    }
}

/// A service whose every call waits for its turn.
#[derive(Debug, Clone)]
pub struct Paced<S> {
    inner: S,
    quota: Quota,
}

impl<S, B> Service<Request<B>> for Paced<S>
where
    S: Service<Request<B>, Error = UpstreamError> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<S::Response, UpstreamError>>;

    // The inner service is made ready only after the wait: its readiness is a permit, and a
    // request that waits for its turn must not hold one.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = self.inner.clone();
        let quota = self.quota.clone();
        Box::pin(async move {
            quota.turn(deadline(&request)).await?;
            let outcome = inner.oneshot(request).await;
            if let Err(error) = &outcome
                && error.is_transient()
                && let Some(pause) = error.retry_after
            {
                quota.hold(pause);
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
    async fn turns_are_spaced_evenly() {
        let quota = Quota::new("5/s".parse().ok());
        let start = Instant::now();
        for _ in 0..6 {
            quota.turn(None).await.unwrap();
        }
        let taken = start.elapsed();
        assert!(taken >= Duration::from_secs(1), "{taken:?}");
        assert!(taken < Duration::from_millis(1100), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_a_deadline_before_its_end_fails_at_once() {
        let quota = Quota::new(None);
        quota.hold(Duration::from_secs(30));
        let start = Instant::now();
        let error = quota
            .turn(Some(start + Duration::from_secs(5)))
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
        assert_eq!(start.elapsed(), Duration::ZERO);
        quota.turn(None).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(30));
    }

    fn heeding(status: u16, lines: &[(&'static str, &str)]) -> Quota {
        let quota = Quota::new(None);
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let status = StatusCode::from_u16(status).unwrap();
        quota.heed(status, &headers.collect(), Timestamp::UNIX_EPOCH);
        quota
    }

    #[tokio::test(start_paused = true)]
    async fn what_little_is_left_is_shared_by_all_who_wait() {
        let quota = heeding(
            200,
            &[
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", "4"),
                ("x-ratelimit-reset", "20"),
            ],
        );
        let start = Instant::now();
        let turns = (0..5).map(|_| async {
            quota.turn(None).await.unwrap();
            start.elapsed().as_secs()
        });
        let mut turns = futures_util::future::join_all(turns).await;
        turns.sort_unstable();
        assert_eq!(turns, [0, 5, 10, 15, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_after_on_any_answer_holds_the_turns() {
        let quota = heeding(200, &[("retry-after", "7")]);
        let start = Instant::now();
        quota.turn(None).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 7);
    }

    #[rstest]
    #[case::of_a_success(200, LONGEST_PACE)]
    #[case::of_a_redirect(302, LONGEST_PACE)]
    #[case::of_a_refusal(429, delay::LONGEST_DELAY)]
    #[case::of_a_failure(503, delay::LONGEST_DELAY)]
    #[tokio::test(start_paused = true)]
    async fn no_header_stalls_for_long(#[case] status: u16, #[case] longest: Duration) {
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
            let quota = heeding(status, lines);
            let start = Instant::now();
            quota.turn(None).await.unwrap();
            assert_eq!(start.elapsed(), longest, "{lines:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_spread_turn_beyond_the_deadline_fails_at_once() {
        let quota = heeding(429, &[("ratelimit", "\"day\";r=0;t=300")]);
        let start = Instant::now();
        let deadline = start + Duration::from_secs(10);
        let error = quota.turn(Some(deadline)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_mins(5)));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
