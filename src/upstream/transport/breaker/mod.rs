//! The circuit breaker: an upstream that fails is given a rest, in which nothing is sent to it.
//!
//! ```text
//! closed ── failures in a row, or too many of them ──▸ open ── its rest is over ──▸ half-open
//!    ▴                                                   ▴                             │
//!    └──────────────── the probe is answered ────────────┼─────────────────────────────┤
//!                                                        └── the probe fails, or is dropped
//! ```
//!
//! It stands below the retries, which do not try again what it refuses, and above the quota, so
//! that a refused try costs no turn. One breaker serves every request of an upstream, logins
//! included. The catalog leaves an upstream alone between failed walks by itself; this also ends a
//! walk whose many requests would fail one by one, and holds whoever asks for a walk out of turn.
//! The refusal says when to come back, and the catalog's rest is at least as long.
//!
//! What it decides is a plain function of moments and outcomes; only [`Guarded`] waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Request;
use jiff::Timestamp;
use rand::RngExt;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

use crate::clock::WallClock;
use crate::config::upstream::Breaker as Terms;
use crate::error::{ErrorKind, UpstreamError};

mod sign;
use sign::Sign;

mod window;
use window::Window;

/// The rest that doubling stops at, unless the first one is longer.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// When to ask again while the one probe is under way.
const PROBE_TIME: Duration = Duration::from_secs(1);

/// How a breaker stands. Closed is healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CircuitState {
    /// Every request is let through.
    Closed,
    /// The upstream rests: no request is let through, until one is to find out how it is.
    Open,
    /// That one request is under way.
    HalfOpen,
}

impl CircuitState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// How a breaker stands, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Circuit {
    /// How it stands.
    pub state: CircuitState,
    /// Since when, RFC 3339 UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// Lets requests to one upstream through, or refuses them. Clones share what they know.
#[derive(Debug, Clone)]
pub(super) struct Breaker(Arc<Core>);

#[derive(Debug)]
struct Core {
    source: Arc<str>,
    terms: Terms,
    wall: WallClock,
    book: Mutex<Book>,
}

/// What is known of the upstream.
#[derive(Debug)]
struct Book {
    phase: Phase,
    since: Timestamp,
    /// Counts the phases: what began in another one says nothing about this one.
    number: u64,
    /// Failures in a row, those that were under way together counted once.
    in_row: u32,
    last_failure: Option<Instant>,
    window: Window,
    /// How many rests there were in a row, and how long the last one was.
    rests: u32,
    rest: Duration,
    /// What the last failure was.
    why: String,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen,
}

impl Phase {
    const fn state(self) -> CircuitState {
        match self {
            Self::Closed => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::HalfOpen => CircuitState::HalfOpen,
        }
    }
}

/// A request that was let through. Dropped without an outcome, it has said nothing.
#[derive(Debug)]
struct Permit {
    core: Arc<Core>,
    number: u64,
    begun: Instant,
    sign: Sign,
    why: String,
}

impl Permit {
    fn end<T>(mut self, outcome: &Result<T, UpstreamError>) {
        self.sign = Sign::of(outcome);
        if let Err(error) = outcome {
            self.why = error.to_string();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let why = std::mem::take(&mut self.why);
        self.core.ended(self.number, self.begun, self.sign, why);
    }
}

impl Breaker {
    /// A closed breaker for the upstream `source`.
    pub(super) fn new(source: &Arc<str>, terms: &Terms, wall: &WallClock) -> Self {
        Self(Arc::new(Core {
            source: Arc::clone(source),
            wall: wall.clone(),
            book: Mutex::new(Book {
                phase: Phase::Closed,
                since: wall.now_in_milliseconds(),
                number: 0,
                in_row: 0,
                last_failure: None,
                window: Window::new(terms.window.get()),
                rests: 0,
                rest: Duration::ZERO,
                why: String::new(),
            }),
            terms: terms.clone(),
        }))
    }

    /// How it stands.
    pub(super) fn circuit(&self) -> Circuit {
        let book = self.0.lock();
        Circuit {
            state: book.phase.state(),
            since: book.since,
        }
    }

    /// Lets one request through, or says why not.
    fn admit(&self) -> Result<Permit, UpstreamError> {
        let now = Instant::now();
        let mut book = self.0.lock();
        match book.phase {
            Phase::Closed => {}
            Phase::Open { until } if now < until => return Err(refusal(&book, until - now)),
            Phase::Open { .. } => self.0.enter(&mut book, Phase::HalfOpen),
            Phase::HalfOpen => return Err(refusal(&book, PROBE_TIME)),
        }
        Ok(Permit {
            core: Arc::clone(&self.0),
            number: book.number,
            begun: now,
            sign: Sign::None,
            why: String::new(),
        })
    }
}

fn refusal(book: &Book, wait: Duration) -> UpstreamError {
    let detail = format!(
        "not asked, for it is given a rest; its last failure: {}",
        book.why
    );
    UpstreamError::new(ErrorKind::CircuitOpen, detail).with_retry_after(Some(wait))
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what became of a request into the book.
    fn ended(&self, number: u64, begun: Instant, sign: Sign, why: String) {
        let mut book = self.lock();
        if book.number != number {
            return;
        }
        let now = Instant::now();
        match (book.phase, sign) {
            (Phase::Closed, Sign::Alive) => {
                book.in_row = 0;
                book.window.count(now, false);
            }
            (Phase::Closed, Sign::Failing) => {
                book.why = why;
                book.window.count(now, true);
                if book.last_failure.is_none_or(|last| begun >= last) {
                    book.in_row += 1;
                    book.last_failure = Some(now);
                }
                if self.is_enough(&mut book, now) {
                    self.open(&mut book, now);
                }
            }
            (Phase::HalfOpen, Sign::Alive) => self.close(&mut book),
            (Phase::HalfOpen, Sign::Failing) => {
                book.why = why;
                self.open(&mut book, now);
            }
            // The probe found nothing out, or was dropped: the rest begins again, no longer than
            // before.
            (Phase::HalfOpen, Sign::None) => {
                let until = now + book.rest;
                self.enter(&mut book, Phase::Open { until });
            }
            (Phase::Closed, Sign::None) | (Phase::Open { .. }, _) => {}
        }
    }

    fn is_enough(&self, book: &mut Book, now: Instant) -> bool {
        if book.in_row >= self.terms.failures {
            return true;
        }
        let (calls, failures) = book.window.sum(now);
        calls >= self.terms.calls && f64::from(failures) >= self.terms.rate * f64::from(calls)
    }

    /// Begins a rest, each twice as long as the one before it.
    fn open(&self, book: &mut Book, now: Instant) {
        let first = self.terms.open_for.get();
        let doubled = first.saturating_mul(2_u32.saturating_pow(book.rests));
        let longest = doubled.min(LONGEST_REST.max(first));
        book.rests = book.rests.saturating_add(1);
        // Never longer than what is promised, and not the same for every replica.
        book.rest = longest.mul_f64(rand::rng().random_range(0.8..=1.0));
        let until = now + book.rest;
        self.enter(book, Phase::Open { until });
    }

    fn close(&self, book: &mut Book) {
        book.in_row = 0;
        book.last_failure = None;
        book.rests = 0;
        book.window.clear();
        self.enter(book, Phase::Closed);
    }

    fn enter(&self, book: &mut Book, phase: Phase) {
        let source = &*self.source;
        let (from, to) = (book.phase.state().as_str(), phase.state().as_str());
        match phase {
            Phase::Open { .. } => tracing::warn!(
                source,
                from,
                to,
                rest_ms = book.rest.as_millis() as u64,
                error.detail = book.why,
                "circuit breaker changed"
            ),
            Phase::Closed | Phase::HalfOpen => {
                tracing::info!(source, from, to, "circuit breaker changed");
            }
        }
        book.phase = phase;
        book.number += 1;
        book.since = self.wall.now_in_milliseconds();
    }
}

impl<S> Layer<S> for Breaker {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            breaker: self.clone(),
        }
    }
}

/// A service that is asked only while its breaker lets requests through.
#[derive(Debug, Clone)]
pub(super) struct Guarded<S> {
    inner: S,
    breaker: Breaker,
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Error = UpstreamError> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = UpstreamError;
    type Future = BoxFuture<'static, Result<S::Response, UpstreamError>>;

    // Whether a request is let through is decided when it comes, not when there is room for one.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner = self.inner.clone();
        let breaker = self.breaker.clone();
        Box::pin(async move {
            let permit = breaker.admit()?;
            let outcome = inner.oneshot(request).await;
            permit.end(&outcome);
            outcome
        })
    }
}

#[cfg(test)]
mod tests;
