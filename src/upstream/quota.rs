//! The upstream's own rate limit: every exchange waits for its turn here.
//!
//! A rate is kept by spacing requests evenly, never by a burst and a pause: a window of the
//! upstream's may begin at any moment. An answer that says when to come back, in a header or in its
//! body, holds the turns of all, not only of the request that was refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use http::Request;
use tokio::time::{Instant, sleep_until};
use tower::{Layer, Service, ServiceExt};

use crate::clock::TokioClock;
use crate::config::Rate;

use super::error::{ErrorKind, UpstreamError};
use super::transport::Deadline;

type Limiter = governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Hands out turns at the upstream's rate. Clones share it.
#[derive(Clone)]
pub struct Quota {
    clock: TokioClock,
    limiter: Option<Arc<Limiter>>,
    held_until: Arc<Mutex<Option<Instant>>>,
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
            held_until: Arc::default(),
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
        if let Some(held) = self.held_until() {
            return Some(held);
        }
        let early = self.limiter.as_ref()?.check().err()?;
        let wait = early.wait_time_from(self.clock.now());
        Some(Instant::now() + wait)
    }

    fn held_until(&self) -> Option<Instant> {
        let held = self
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        held.filter(|&until| until > Instant::now())
    }

    /// Keeps every turn back for so long.
    fn hold(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut held = self
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |earlier| earlier.max(until)));
    }
}

impl std::fmt::Debug for Quota {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Quota")
            .field("limited", &self.limiter.is_some())
            .field("held_until", &self.held_until())
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
            let deadline = request
                .extensions()
                .get::<Deadline>()
                .map(|deadline| deadline.0);
            quota.turn(deadline).await?;
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
}
